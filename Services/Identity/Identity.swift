internal import Broker
internal import Database
internal import LinearAlgebra
internal import Logging
internal import Messages
internal import ModelManifest
package import Operations

/// The identity service: knows people by their faces.
@main
package enum Identity {
    package static func main() async {
        OpenBLAS.chooseKernel()
        await ServiceRunner.main("identity", assemble: assemble)
    }

    /// Puts the service together from its settings.
    package static func assemble(_ runner: ServiceRunner) async throws -> ServiceRunner.Assembly {
        let settings = try IdentitySettings(runner.settings)
        let manifest = try ModelManifest(directory: settings.modelsDirectory)
        let network = try manifest.identity
        let cohort = try network.identification.cohort.map { file throws(ModelManifestError) in
            try Cohort(file, of: manifest, width: network.width)
        }
        OpenBLAS.use(threads: settings.threads)
        runner.logger.info(
            "Comparing faces",
            metadata: ["network.version": "\(network.version)", "blas.core": "\(OpenBLAS.coreName)"])

        let database = Database(settings.database, logger: runner.logger)
        let recogniser = Recogniser(
            database: database, network: network, cohort: cohort, templates: settings.templates)
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
