internal import CPostgreSQL
import Dispatch
import Synchronization

/// Asks the server to stop the statement that a connection is running, from any thread.
final class Canceller: Sendable {
    /// Sendable without the compiler's check: `PQcancel` may be called from any thread, and the lock below keeps it
    /// from the moment of freeing.
    private struct Request: @unchecked Sendable {
        let pointer: OpaquePointer?
    }

    private struct State {
        var request: Request
        var wasUsed = false
    }

    private let state: Mutex<State>

    init(_ connection: OpaquePointer) {
        let request = Request(pointer: PQgetCancel(connection))
        state = Mutex(State(request: request))
    }

    deinit {
        state.withLock { PQfreeCancel($0.request.pointer) }
    }

    /// Sends the request from a thread of its own, since it opens a connection.
    func cancel() {
        state.withLock { $0.wasUsed = true }
        DispatchQueue.global().async {
            self.state.withLock { state in
                var reason: [CChar] = [0]
                PQcancel(state.request.pointer, &reason, Int32(reason.count))
            }
        }
    }

    /// Whether a request was asked for. It may still reach the server, so the connection must not serve anybody else.
    func disarm() -> Bool {
        state.withLock { $0.wasUsed }
    }
}
