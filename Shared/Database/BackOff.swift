internal import Synchronization

/// Keeps a pool from storming a server that does not answer: after a failed attempt the next has to wait, each time
/// twice as long; whoever asks meanwhile gets the last error at once.
final class BackOff: Sendable {
    private struct State {
        var failures = 0
        var next = ContinuousClock.now
        var error = DatabaseError.unavailable("")
    }

    private static let shortest = Duration.milliseconds(50)
    private static let longest = Duration.seconds(5)

    private let state = Mutex(State())

    /// Throws the last error until the next attempt is due.
    func check() throws(DatabaseError) {
        let error: DatabaseError? = state.withLock { state in
            guard state.failures > 0, ContinuousClock.now < state.next else { return nil }
            return state.error
        }
        if let error { throw error }
    }

    func failed(_ error: DatabaseError) {
        state.withLock { state in
            state.next = .now + min(Self.longest, Self.shortest * (1 << min(state.failures, 10)))
            state.failures += 1
            state.error = error
        }
    }

    func succeeded() {
        state.withLock { $0.failures = 0 }
    }
}
