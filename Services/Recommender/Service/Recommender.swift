import ArgumentParser
import AsyncHTTPClient
import Broker
import Database
import LinearAlgebra
import Logging
import Messages
import Operations
import RecommenderTool
import ServiceLifecycle

/// The recommender: what people enjoyed, and what they might.
@main
struct Recommender: ServiceProgram {
    static let configuration = CommandConfiguration(
        commandName: "recommender",
        abstract: "Stores what people enjoyed and answers with six videos.",
        subcommands: [Serve<Recommender>.self] + FileCommands.all + [
            CheckCatalogue.self, ListVersions.self, Rollback.self, Unpin.self,
        ],
        defaultSubcommand: Serve<Recommender>.self)

    static func main() async {
        OpenBLAS.chooseKernel()
        await main(nil)
    }

    /// Puts the service together from its settings.
    static func assemble(_ runner: ServiceRunner) async throws -> ServiceRunner.Assembly {
        let settings = try RecommenderSettings(runner.settings, cores: Processors.usable)
        let logger = runner.logger
        let catalogue = try Catalogue.bundled()
        let database = Database(settings.database, logger: logger)
        let store = Store(database: database, weights: settings.weights, rows: settings.rows)
        let publisher = Publisher(address: settings.broker, logger: logger)
        let stage = Stage(
            name: .recommender, address: settings.broker, publisher: publisher,
            settings: StageSettings(concurrency: settings.concurrency),
            handler: RecommenderStage(
                store: store, catalogue: catalogue, keywords: settings.keywords,
                asksYouTube: settings.youTubeKey != nil, logger: logger),
            logger: logger)
        let batch = Batch(
            store: store, parameters: settings.training, interval: settings.interval,
            minimumNewRatings: settings.minimumNewRatings, kept: settings.kept, threads: settings.threads,
            logger: logger)

        OpenBLAS.use(threads: 1)
        logger.info("linear algebra", metadata: ["openblas.core": "\(OpenBLAS.coreName)"])

        var services: [any Service] = [
            PeriodicTask(
                every: settings.sweepInterval, failure: "could not forget old erasures", logger: logger,
                work: store.forgetErasures)
        ]
        switch settings.engine {
        case .service: services.append(BatchLoop(batch, logger: logger))
        case .spark: logger.info("als is left to Spark")
        }
        if let key = settings.youTubeKey {
            let search = YouTubeSearch(
                key: key, url: settings.youTubeURL, client: .shared, timeout: settings.youTubeTimeout)
            let refresh = YouTubeRefresh(
                search: search, keywords: settings.keywords, database: database, logger: logger)
            services.append(
                PeriodicTask(
                    every: .seconds(60), failure: "youtube results not stored", logger: logger, work: refresh.refresh))
        }
        let migration = MigrationService(database, before: services + [stage], logger: logger) {
            try await store.prepare(catalogue)
        }
        return ServiceRunner.Assembly(
            services: [database, publisher, migration],
            readiness: [
                ReadinessCheck("tables", { migration.isMigrated }, otherwise: "the database was not reached yet"),
                ReadinessCheck("database") { try await database.query("SELECT 1 FROM recommender.items LIMIT 1") },
                ReadinessCheck(
                    "broker", { publisher.isConnected && stage.isConnected },
                    otherwise: "the message broker is not connected"),
            ])
    }
}
