import Synchronization

/// A result that a connection's thread gives and one task awaits.
final class Promise<Success: Sendable>: Sendable {
    private enum State {
        case pending
        case awaited(CheckedContinuation<Result<Success, BrokerError>, Never>)
        case settled(Result<Success, BrokerError>)
    }

    private let state = Mutex(State.pending)

    /// Gives the result. The first one counts.
    func settle(_ result: Result<Success, BrokerError>) {
        let continuation = state.withLock { state -> CheckedContinuation<Result<Success, BrokerError>, Never>? in
            switch state {
            case .pending:
                state = .settled(result)
                return nil
            case .awaited(let continuation):
                state = .settled(result)
                return continuation
            case .settled: return nil
            }
        }
        continuation?.resume(returning: result)
    }

    /// Whether the result is there; if its task gave up waiting, it is.
    var isSettled: Bool {
        state.withLock { if case .settled = $0 { true } else { false } }
    }

    /// Waits for the result; after `limit`, it is `error`. When the task is cancelled, it is `BrokerError.cancelled`.
    func value(within limit: Duration, orFail error: BrokerError) async throws(BrokerError) -> Success {
        let result = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                self.settle(.failure(error))
            }
            defer { group.cancelAll() }
            return await self.result()
        }
        return try result.get()
    }

    private func result() async -> Result<Success, BrokerError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state -> Result<Success, BrokerError>? in
                    switch state {
                    case .settled(let result): return result
                    case .pending:
                        state = .awaited(continuation)
                        return nil
                    case .awaited: preconditionFailure("A promise is awaited by one task.")
                    }
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            settle(.failure(.cancelled))
        }
    }
}
