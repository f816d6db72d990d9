package import Database
package import Logging
internal import ServiceLifecycle

/// Clears out, from time to time, what identity need not remember any more: old erasures and changes of faces that are gone.
package struct FaceSweep: Service {
    private let database: Database
    private let interval: Duration
    private let logger: Logger

    package init(database: Database, interval: Duration, logger: Logger) {
        self.database = database
        self.interval = interval
        self.logger = logger
    }

    /// Runs until graceful shutdown.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await database.transaction { try FaceStore.sweep(on: $0) }
                } catch {
                    logger.warning("Could not clear out old erasures", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: interval)
            }
        }
    }
}
