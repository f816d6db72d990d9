internal import CPostgreSQL
internal import Dispatch
internal import Synchronization

/// Ends what a connection is waiting for, from any thread: wakes its thread, and asks the server to stop the statement.
final class Canceller: Sendable {
    private struct State {
        var request: Request?
        var wasUsed = false
    }

    /// What the connection's thread listens to while it waits.
    let wake = Wakeup()
    private let state = Mutex(State())

    /// The server takes a cancellation by a connection of its own, and libpq sets that no time limit: one thread for
    /// all of them, so that a server that hangs holds up no other.
    private static let queue = DispatchQueue(label: "mien.database.cancellation")

    /// The owner of a `PGcancel`.
    ///
    /// Sendable without the compiler's check: libpq never changes it, and `PQcancel` may be called from any thread.
    private final class Request: @unchecked Sendable {
        private let pointer: OpaquePointer?

        init(_ connection: OpaquePointer) {
            pointer = PQgetCancel(connection)
        }

        deinit {
            PQfreeCancel(pointer)
        }

        func send() {
            var reason: [CChar] = [0]
            PQcancel(pointer, &reason, Int32(reason.count))
        }
    }

    /// A connection was made: what is cancelled from now on is its statement.
    func arm(_ connection: OpaquePointer) {
        state.withLock { $0.request = Request(connection) }
    }

    /// The connection is no more.
    func disarm() {
        state.withLock { $0.request = nil }
    }

    func cancel() {
        let request = state.withLock { state in
            state.wasUsed = true
            return state.request
        }
        wake.ring()
        if let request { Self.queue.async { request.send() } }
    }

    /// Whether a cancellation was asked for. It may still reach the server, so the connection must not serve anybody
    /// else.
    var wasUsed: Bool { state.withLock { $0.wasUsed } }

    /// Forgets that it was used.
    func reset() {
        state.withLock { $0.wasUsed = false }
        wake.reset()
    }
}
