package import Logging
package import ServiceLifecycle
internal import Synchronization

/// Brings tables up to date as soon as the server answers, and then runs the services that need them.
///
/// It is a service itself, so that a process answers for its health while the database is away.
package final class MigrationService: Service {
    private let database: Database
    private let services: [any Service]
    private let logger: Logger
    private let migrate: @Sendable () async throws -> Void
    private let migrated = Atomic(false)

    /// - Parameters:
    ///   - services: in the order of starting; stopping goes backwards.
    ///   - migrate: is tried until it succeeds.
    package init(
        _ database: Database, before services: [any Service], logger: Logger,
        migrate: @escaping @Sendable () async throws -> Void
    ) {
        self.database = database
        self.services = services
        self.logger = logger
        self.migrate = migrate
    }

    /// Whether the tables are there; for readiness.
    package var isMigrated: Bool { migrated.load(ordering: .relaxed) }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown { try await self.untilMigrated() }
        if isMigrated { try await ServiceGroup(services: services, logger: logger).run() }
    }

    private func untilMigrated() async throws {
        while true {
            do {
                try await database.waitUntilAvailable()
                try await migrate()
                return migrated.store(true, ordering: .relaxed)
            } catch {
                if Task.isCancelled { throw CancellationError() }
                logger.error("Could not bring the tables up to date", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .seconds(1))
            }
        }
    }
}
