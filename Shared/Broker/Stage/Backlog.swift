import Messages

/// What a worker has been handed and not begun, and in which order it begins.
///
/// A value without I/O. Suspects first, each alone; then interactive jobs; after every `acceptedEvery` of those, one
/// accepted.
struct Backlog<Element> {
    private let acceptedEvery: Int
    private var suspects: [Element] = []
    private var interactive: [Element] = []
    private var accepted: [Element] = []
    /// Interactive ones begun since the last accepted one.
    private var streak = 0

    init(acceptedEvery: Int) {
        self.acceptedEvery = acceptedEvery
    }

    var count: Int { suspects.count + interactive.count + accepted.count }
    var hasSuspects: Bool { !suspects.isEmpty }

    mutating func append(_ element: Element, _ urgency: Urgency) {
        switch urgency {
        case .interactive: interactive.append(element)
        case .accepted: accepted.append(element)
        }
    }

    mutating func append(suspect element: Element) {
        suspects.append(element)
    }

    /// Takes up to `limit`, in the order in which they have their turns; a suspect comes by itself.
    mutating func take(upTo limit: Int) -> [Element] {
        if hasSuspects { return [suspects.removeFirst()] }
        var taken: [Element] = []
        while taken.count < limit, let element = next() { taken.append(element) }
        return taken
    }

    mutating func removeAll() {
        suspects.removeAll()
        interactive.removeAll()
        accepted.removeAll()
    }

    private mutating func next() -> Element? {
        if !accepted.isEmpty, interactive.isEmpty || streak >= acceptedEvery {
            streak = 0
            return accepted.removeFirst()
        }
        guard !interactive.isEmpty else { return nil }
        streak = min(streak + 1, acceptedEvery)
        return interactive.removeFirst()
    }
}
