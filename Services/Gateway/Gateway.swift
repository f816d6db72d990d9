import ArgumentParser
import Broker
import Database
import Hummingbird
import Logging
import Messages
import Operations

/// The HTTP edge: the REST API and the web page. It publishes jobs, waits for their answers, and owns the accepted ones.
@main
struct Gateway: ServiceProgram {
    static let configuration = CommandConfiguration(
        commandName: "gateway", abstract: "The HTTP edge, and what its operator does by hand.",
        subcommands: [Serve<Gateway>.self, DeadLetterCommands.self], defaultSubcommand: Serve<Gateway>.self)

    /// Reads the settings and puts the parts together.
    static func assemble(_ runner: ServiceRunner) async throws -> ServiceRunner.Assembly {
        let settings = try GatewaySettings(runner.settings)
        let logger = runner.logger
        let address = try BrokerAddress(runner.settings)
        let database = Database(
            try DatabaseSettings(runner.settings, connections: 4, applicationName: "mien gateway"), logger: logger)
        let gateway = GatewayID.random()

        let publisher = Publisher(address: address, logger: logger)
        let answers = Answers(gateway: gateway, address: address, logger: logger)
        let jobs = JobStore(database, ledger: settings.erasureLedger.map(ErasureLedger.init))
        let sweep = PeriodicTask(
            every: settings.sweepInterval, failure: "Could not clear out old jobs", logger: logger
        ) {
            try await jobs.sweep(
                retention: settings.jobRetention, anonymousRetention: settings.anonymousRetention,
                limit: settings.jobLimit)
        }
        let migration = MigrationService(database, before: [sweep], logger: logger) { try await jobs.migrate() }
        let results = Stage(
            name: .gateway, address: address, publisher: publisher,
            settings: StageSettings(batch: 8, concurrency: 2),
            handler: ResultsStage(jobs: jobs, logger: logger), logger: logger)
        let api = API(
            settings: settings, gateway: gateway, dispatcher: Dispatcher(publisher: publisher, answers: answers),
            jobs: jobs, logger: logger)
        let hosts = AllowedHosts(settings.allowedHosts, bound: settings.host)
        let server = Application(Edge(api, hosts: hosts), settings: settings, logger: logger)

        return ServiceRunner.Assembly(
            services: [database, publisher, answers, migration, results, server],
            readiness: [
                ReadinessCheck("publisher", { publisher.isConnected }, otherwise: "the broker cannot be reached"),
                ReadinessCheck("answers", { answers.isConnected }, otherwise: "the broker cannot be reached"),
                ReadinessCheck("results", { results.isConnected }, otherwise: "the broker cannot be reached"),
                ReadinessCheck("tables", { migration.isMigrated }, otherwise: "the database was not reached yet"),
                ReadinessCheck("database") { _ = try await database.query("SELECT 1") },
            ])
    }
}
