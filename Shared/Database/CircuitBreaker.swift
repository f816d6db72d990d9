internal import Synchronization

/// Keeps a pool from storming a server that does not answer: after a failed attempt the next has to wait, each time
/// twice as long, and is made by one alone; whoever asks meanwhile gets the last error at once.
final class CircuitBreaker: Sendable {
    private struct State {
        var failures = 0
        var isTrying = false
        var next = ContinuousClock.now
        var error = DatabaseError.unavailable("")
    }

    private static let shortest = Duration.milliseconds(50)
    private static let longest = Duration.seconds(5)

    private let state = Mutex(State())

    /// Begins an attempt, which ends with `failed` or `succeeded`; throws the last error until the next one is due.
    func begin() throws(DatabaseError) {
        let error: DatabaseError? = state.withLock { state in
            guard state.failures > 0 else { return nil }
            if state.isTrying || ContinuousClock.now < state.next { return state.error }
            state.isTrying = true
            return nil
        }
        if let error { throw error }
    }

    /// An attempt that was cancelled says nothing of the server.
    func failed(_ error: DatabaseError) {
        state.withLock { state in
            state.isTrying = false
            if error == .cancelled { return }
            state.next = .now + min(Self.longest, Self.shortest * (1 << min(state.failures, 10)))
            state.failures += 1
            state.error = error
        }
    }

    func succeeded() {
        state.withLock { state in
            state.failures = 0
            state.isTrying = false
        }
    }
}
