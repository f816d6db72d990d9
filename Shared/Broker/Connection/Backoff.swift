/// Pauses that double up to a limit, each shortened at random by up to half so that many clients do not come back at
/// once.
struct Backoff {
    private let first: Duration
    private let longest: Duration
    private var current: Duration

    init(from first: Duration, to longest: Duration) {
        self.first = first
        self.longest = longest
        current = first
    }

    mutating func next() -> Duration {
        defer { current = min(current * 2, longest) }
        return current * Double.random(in: 0.5...1)
    }

    mutating func reset() {
        current = first
    }
}
