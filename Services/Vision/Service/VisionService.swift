import ArgumentParser
import Broker
import Logging
import Messages
import Operations
import Vision
import VisionTool

/// The vision service: from a picture to its largest face, mood, expression and identity vector.
@main
struct VisionService: ServiceProgram {
    static let configuration = CommandConfiguration(
        commandName: "vision",
        abstract: "Sees the largest face in a picture: its mood, its expression, and whose it may be.",
        subcommands: [Serve<VisionService>.self] + FileCommands.all,
        defaultSubcommand: Serve<VisionService>.self)

    /// Puts the service together from its settings. Refuses to, in one sentence, when a network is not what the manifest
    /// says; takes no job before every network has run once on every thread.
    static func assemble(_ runner: ServiceRunner) async throws -> ServiceRunner.Assembly {
        let settings = try VisionSettings(runner.settings)
        let lanes = try AnalysisLanes(
            directory: settings.modelsDirectory, previous: settings.previousModels, precision: settings.precision,
            count: settings.threads)
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
