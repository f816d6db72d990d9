import ArgumentParser
import Broker
import FoundationEssentials
import Logging
import Messages
import ServiceLifecycle
import UnixSignals

/// Plays the vision stage: sleeps instead of looking, then tells every client the same.
///
/// With it the queues, the gateway and the ways between are measured apart from any network.
struct StandInCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stand-in", abstract: "A vision worker that only sleeps; the broker's address comes from BROKER_*."
    )

    @Option(help: "How long one picture takes, in milliseconds.")
    var milliseconds = 100

    mutating func run() async throws {
        let logger = Logger(label: "stand-in")
        let environment = ProcessInfo.processInfo.environment
        let address = BrokerAddress(
            host: environment["BROKER_HOST"] ?? "127.0.0.1", port: environment["BROKER_PORT"].flatMap(Int.init) ?? 5672,
            user: environment["BROKER_USER"] ?? "guest", password: environment["BROKER_PASSWORD"] ?? "guest",
            virtualHost: environment["BROKER_VHOST"] ?? "/")
        let publisher = Publisher(address: address, logger: logger)
        let stage = Stage(
            name: .vision, address: address, publisher: publisher, settings: StageSettings(prefetch: 1),
            handler: SleepingVision(duration: .milliseconds(milliseconds)), logger: logger)
        try await ServiceGroup(
            services: [publisher, stage], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        ).run()
    }
}

/// Answers every picture with the same face after a sleep.
struct SleepingVision: StageHandler {
    let duration: Duration

    func handle(_ jobs: [Envelope]) async -> [Outcome] {
        try? await Task.sleep(for: duration)
        return jobs.map { _ in .completed(FaceAnalysed(analysis: Self.analysis)) }
    }

    private static let analysis = FaceAnalysis(
        image: PixelSize(width: 64, height: 64),
        face: Face(
            box: Box(x: 16, y: 16, width: 32, height: 32),
            landmarks: Landmarks(
                leftEye: Point(x: 24, y: 26), rightEye: Point(x: 40, y: 26), nose: Point(x: 32, y: 34),
                leftMouth: Point(x: 26, y: 42), rightMouth: Point(x: 38, y: 42)),
            probability: 1, quality: FaceQuality(size: 32, sharpness: 100, yaw: 0)),
        mood: Mood(
            name: .neutral, scores: ["happy": 0, "surprised": 0, "neutral": 1, "upset": 0], expression: "neutral",
            expressions: ["neutral": 1]),
        reaction: nil, models: [:])
}
