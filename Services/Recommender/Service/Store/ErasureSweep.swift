import Logging
import ServiceLifecycle

/// Forgets old erasures from time to time.
struct ErasureSweep: Service {
    let store: Store
    let interval: Duration
    let logger: Logger

    /// Runs until graceful shutdown.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await store.forgetErasures()
                } catch {
                    logger.warning("could not forget old erasures", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: interval)
            }
        }
    }
}
