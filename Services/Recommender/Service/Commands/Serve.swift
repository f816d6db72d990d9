import ArgumentParser
import AsyncHTTPClient
import Broker
import Database
import Foundation
import LinearAlgebra
import Logging
import Messages
import Operations

/// Runs the service; what else a command does is on files.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service (the default).",
        discussion:
            "Takes settings as --key value, from the environment, /run/secrets and a JSON file; see docs/settings.md."
    )

    /// Settings, which `Operations` reads.
    @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

    func run() async throws {
        await ServiceRunner.main("recommender", arguments: settings, commands: Recommender.commandNames) { runner in
            try await Self.assemble(runner)
        }
    }

    /// Puts the service together: tables first, then what it consists of.
    static func assemble(_ runner: ServiceRunner) async throws -> ServiceRunner.Assembly {
        let settings = try RecommenderSettings(runner.settings, cores: Processors.usable)
        let logger = runner.logger
        let catalogue = try Catalogue.bundled()
        let database = Database(settings.database, logger: logger)
        let store = Store(database: database, clickWeight: settings.clickWeight, rows: settings.rows)
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
        try await database.waitUntilAvailable()
        try await store.prepare(catalogue)

        var assembly = ServiceRunner.Assembly(
            services: [
                database, publisher, ErasureSweep(store: store, interval: settings.sweepInterval, logger: logger),
            ],
            readiness: [
                ReadinessCheck("database") { try await database.query("SELECT 1 FROM recommender.items LIMIT 1") },
                ReadinessCheck(
                    "broker", { publisher.isConnected && stage.isConnected },
                    otherwise: "the message broker is not connected"),
            ])
        switch settings.engine {
        case .service:
            assembly.services.append(BatchLoop(batch, logger: logger))
        case .spark:
            logger.info("als is left to Spark")
        }
        if let key = settings.youTubeKey {
            let search = YouTubeSearch(
                key: key, url: settings.youTubeURL, client: .shared, timeout: settings.youTubeTimeout)
            assembly.services.append(
                YouTubeRefresh(search: search, keywords: settings.keywords, database: database, logger: logger))
        }
        assembly.services.append(stage)
        return assembly
    }
}
