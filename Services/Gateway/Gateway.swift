import ArgumentParser
import Broker
import Database
import Hummingbird
import Messages
import Operations

/// The HTTP edge: the REST API and the web page. It publishes jobs, waits for their answers, and owns the accepted ones.
@main
struct Gateway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway", abstract: "The HTTP edge, and what its operator does by hand.",
        subcommands: [Serve.self, DeadLetterCommands.self], defaultSubcommand: Serve.self)

    /// What its commands are called.
    static var commandNames: [String] { configuration.subcommands.map { $0._commandName } }

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
        let sweep = JobSweep(database: database, settings: settings, logger: logger)
        let jobs = JobStore(database, ledger: settings.erasureLedger.map(ErasureLedger.init))
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
            services: [database, publisher, answers, sweep, results, server],
            readiness: [
                ReadinessCheck("publisher", { publisher.isConnected }, otherwise: "the broker cannot be reached"),
                ReadinessCheck("answers", { answers.isConnected }, otherwise: "the broker cannot be reached"),
                ReadinessCheck("results", { results.isConnected }, otherwise: "the broker cannot be reached"),
                ReadinessCheck("tables", { sweep.isMigrated }, otherwise: "the database was not reached yet"),
                ReadinessCheck("database") { _ = try await database.query("SELECT 1") },
            ])
    }
}
