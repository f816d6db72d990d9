import ArgumentParser
import Broker
import Logging
import Messages
import Operations

/// `vision serve`: the service.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service (default).",
        discussion: "Settings: --KEY VALUE, or the environment; docs/settings.md has the table.")

    @Argument(parsing: .captureForPassthrough, help: "Settings.")
    var settings: [String] = []

    func run() async throws {
        await ServiceRunner.main(
            "vision", arguments: settings, commands: Vision.commandNames, assemble: Self.assemble)
    }

    /// Puts the service together from its settings. Refuses to, in one sentence, when a network is not what the manifest
    /// says; takes no job before every network has run once on every thread.
    static func assemble(_ runner: ServiceRunner) async throws -> ServiceRunner.Assembly {
        let settings = try VisionSettings(runner.settings)
        let lanes = try AnalysisLanes(
            directory: settings.modelsDirectory, precision: settings.precision, count: settings.threads)
        try await lanes.rehearse()
        runner.logger.info(
            "Networks ready",
            metadata: [
                "vision.threads": "\(settings.threads)",
                "vision.precision": "\(settings.precision.rawValue)",
                "network.versions": .dictionary(lanes.networks.versions.mapValues { "\($0)" }),
            ])
        let publisher = Publisher(address: settings.broker, logger: runner.logger)
        let stage = Stage(
            name: .vision, address: settings.broker, publisher: publisher, settings: settings.stage,
            handler: VisionStage(lanes: lanes, settings: settings.look, logger: runner.logger), logger: runner.logger)
        return ServiceRunner.Assembly(
            services: [publisher, stage],
            readiness: [
                ReadinessCheck("broker", { publisher.isConnected && stage.isConnected }, otherwise: "not connected")
            ])
    }
}
