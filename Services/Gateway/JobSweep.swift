package import Database
package import Logging
import Messages
import ServiceLifecycle
import Synchronization

/// Keeps the accepted jobs in order: brings their tables up to date at the start and clears them out from then on.
package final class JobSweep: Service {
    private let database: Database
    private let jobs: JobStore
    private let settings: GatewaySettings
    private let logger: Logger
    private let migrated = Atomic(false)

    package init(database: Database, settings: GatewaySettings, logger: Logger) {
        self.database = database
        jobs = JobStore(database)
        self.settings = settings
        self.logger = logger
    }

    /// Whether the tables are there; for readiness.
    package var isMigrated: Bool { migrated.load(ordering: .relaxed) }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            try await self.migrate()
            while true {
                do {
                    try await self.jobs.sweep(
                        retention: self.settings.jobRetention,
                        anonymousRetention: self.settings.anonymousRetention, limit: self.settings.jobLimit)
                } catch {
                    self.logger.warning("Could not clear out old jobs", metadata: ["error": "\(error)"])
                }
                try await Task.sleep(for: self.settings.sweepInterval)
            }
        }
    }

    private func migrate() async throws {
        while true {
            do {
                try await database.waitUntilAvailable()
                try await jobs.migrate()
                return migrated.store(true, ordering: .relaxed)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                logger.error("Could not bring the tables up to date", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .seconds(1))
            }
        }
    }
}
