package import ArgumentParser
internal import Broker
internal import Database
internal import LinearAlgebra
internal import Logging
internal import Messages
internal import ModelManifest
package import Operations

/// The identity service: knows people by their faces.
@main
package struct Identity: ServiceProgram {
    package static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Knows people by their faces, and what its operator does by hand.",
        subcommands: [Serve<Identity>.self, ListLikenesses.self, ListNetworks.self, DropNetwork.self],
        defaultSubcommand: Serve<Identity>.self)

    package init() {}

    package static func main() async {
        OpenBLAS.chooseKernel()
        await main(nil)
    }

    /// Puts the service together from its settings.
    package static func assemble(_ runner: ServiceRunner) async throws -> ServiceRunner.Assembly {
        let settings = try IdentitySettings(runner.settings)
        let current = try KnownPeople(models: settings.modelsDirectory)
        let previous = try settings.previousModels.map(KnownPeople.init(models:))
        OpenBLAS.use(threads: 1)
        runner.logger.info(
            "Comparing faces",
            metadata: [
                "network.version": "\(current.network.version)",
                "network.previous": "\(previous?.network.version ?? "none")", "blas.core": "\(OpenBLAS.coreName)",
            ])

        let database = Database(settings.database, logger: runner.logger)
        let recogniser = Recogniser(
            database: database, current: current, previous: previous, templates: settings.templates,
            threads: settings.threads)
        let publisher = Publisher(address: settings.broker, logger: runner.logger)
        let stage = Stage(
            name: .identity, address: settings.broker, publisher: publisher,
            settings: StageSettings(batch: settings.batch, concurrency: settings.concurrency),
            handler: IdentityStage(recogniser: recogniser, logger: runner.logger), logger: runner.logger)
        let feed = GalleryFeed(database: database, recogniser: recogniser, logger: runner.logger)
        let sweep = PeriodicTask(
            every: settings.sweepInterval, failure: "Could not clear out old erasures", logger: runner.logger
        ) {
            try await database.transaction { try FaceStore.sweep(on: $0) }
        }
        let migration = MigrationService(database, before: [feed, sweep, stage], logger: runner.logger) {
            try await database.migrate(schema: Schema.name, Schema.migrations)
        }
        return ServiceRunner.Assembly(
            services: [database, publisher, migration],
            readiness: [
                ReadinessCheck("tables", { migration.isMigrated }, otherwise: "the database was not reached yet"),
                ReadinessCheck("broker", { publisher.isConnected && stage.isConnected }, otherwise: "not connected"),
                ReadinessCheck("database") { try await database.query("SELECT 1") },
                ReadinessCheck("gallery", { await recogniser.isLoaded }, otherwise: "not loaded yet"),
            ])
    }
}
