import Broker
import Foundation
import Logging
import Messages
import ModelManifest
import Operations
import Testing

@testable import Vision
@testable import VisionService

@Suite("Vision's stage")
struct VisionStageTests {
    private func stage() throws -> VisionStage {
        VisionStage(lanes: try Networks.lanes(), settings: LookSettings(), logger: Logger(label: "test"))
    }

    private func job(
        _ image: Data, _ trip: Trip = .selfie, watching: Bool = false, deadline: Date? = nil
    ) throws -> Envelope {
        let video = watching ? VideoID("gf6v59c5yuY") : nil
        let request = SelfieRequest(watching: video.map { Watching(video: $0, session: "s") })
        return try Envelope(ImageSubmitted(request: request, image: image), header: header(trip, deadline: deadline))
    }

    private func header(_ trip: Trip, deadline: Date? = nil) -> JobHeader {
        JobHeader(
            job: .random(), trip: trip,
            reply: .interactive(deadline: deadline ?? Date(timeIntervalSinceNow: 600), gateway: .random()),
            published: Date())
    }

    @Test("a batch has an outcome for each job, in order")
    func batch() async throws {
        let blank = Encoded.png(Photos.plain(width: 64, height: 64))
        let jobs = [
            try job(Photos.astronaut, watching: true), try job(blank), try job(Photos.data("obama.jpg"), .analysis),
            try job(Data("no picture".utf8)), try job(Photos.data("biden.jpg")), try job(Data()),
            try job(Photos.astronaut.prefix(5000)),
        ]
        let outcomes = try await stage().handle(jobs)
        #expect(outcomes.count == jobs.count)

        let first = try #require(outcomes[0].fact as? FaceDetected)
        #expect(first.template?.values.count == 512)
        #expect(try first.template?.version == Networks.lanes().networks.identity.version)
        #expect(first.analysis.reaction != nil && first.request.watching != nil)
        let third = try #require(outcomes[2].fact as? FaceAnalysed)
        #expect(third.analysis.reaction == nil)
        #expect(third.analysis.image == PixelSize(width: 480, height: 600))
        let fifth = try #require(outcomes[4].fact as? FaceDetected)
        #expect(fifth.analysis.image == PixelSize(width: 264, height: 600))
        #expect(outcomes[1].failure?.kind == .noFace)
        #expect(outcomes[3].failure?.kind == .unsupportedMediaType)
        #expect(outcomes[5].failure?.kind == .emptyBody)
        #expect(outcomes[6].failure?.kind == .corruptImage)
        #expect(outcomes.compactMap(\.failure).allSatisfy { $0.stage == .vision && !$0.detail.isEmpty })
    }

    @Test("an analysis, and a face not fit to be recognised, have no vector")
    func withoutVector() async throws {
        let lanes = try Networks.lanes()
        let analysed = try await lanes.withLane { lane in
            let face = try await lane.look(at: Photos.astronaut, LookSettings(), recognising: false)
            return try await lane.read([face, try await lane.look(at: Photos.astronaut, LookSettings())])
        }
        #expect(analysed[0].identity == nil && analysed[1].identity != nil)
        #expect(analysed[0].expression.ferplus.count == 8)

        let small = Encoded.png(try Photos.picture("biden.jpg").image.resized(by: 0.4))
        let outcomes = try await stage().handle([try job(small), try job(Photos.astronaut), try job(small, .analysis)])
        let refused = try #require(outcomes[0].fact as? FaceDetected)
        #expect(refused.refusal == .faceTooSmall && refused.template == nil)
        let fit = try #require(outcomes[1].fact as? FaceDetected)
        #expect(fit.refusal == nil && fit.template?.values.count == 512)
        #expect(outcomes[2].fact is FaceAnalysed)
    }

    @Test("every face of a picture is told, the largest first; one on its side too, and none where there is none")
    func faces() async throws {
        let (large, small) = try (Photos.picture("obama.jpg").image, Photos.picture("biden.jpg").image)
        let both = small.beside(large)
        let outcomes = try await stage().handle([
            try job(Encoded.png(both), .faces), try job(Encoded.png(large.turned(upright: .turnedLeft)), .faces),
            try job(Encoded.png(Photos.plain(width: 64, height: 64)), .faces),
            try job(Data("no picture".utf8), .faces),
        ])
        let found = try #require(outcomes[0].fact as? FacesFound)
        #expect(found.image == PixelSize(width: both.width, height: both.height))
        #expect(found.faces.count == 2)
        #expect(found.faces[0].box.x > Float(small.width) && found.faces[1].box.x < Float(small.width))
        #expect(found.faces[0].box.width > found.faces[1].box.width)
        #expect((outcomes[1].fact as? FacesFound)?.faces.count == 1)
        #expect((outcomes[2].fact as? FacesFound)?.faces == [])
        #expect(outcomes[3].failure?.kind == .unsupportedMediaType)
    }

    @Test("the same job twice has the same fact")
    func twice() async throws {
        let job = try job(Photos.astronaut)
        let stage = try stage()
        let outcomes = await stage.handle([job]) + stage.handle([job])
        let facts = outcomes.compactMap { $0.fact as? FaceDetected }
        #expect(facts.count == 2 && facts[0] == facts[1])
    }

    @Test("what is no picture message is left for an operator")
    func unreadable() async throws {
        let other = try Envelope(UserRequested(user: .random()), header: header(.selfie))
        let broken = Envelope(header: header(.selfie), type: ImageSubmitted.name, body: Data([0, 0, 9, 9]))
        for outcome in try await stage().handle([other, broken]) {
            guard case .unreadable = outcome else {
                Issue.record("not unreadable: \(outcome)")
                continue
            }
        }
    }

    @Test("a trip that does not pass vision fails")
    func wrongTrip() async throws {
        let outcomes = try await stage().handle([try job(Photos.astronaut, .click)])
        #expect(outcomes[0].failure?.kind == .internalError)
    }

    @Test("a picture whose deadline passed while it waited for a lane is not looked at")
    func late() async throws {
        let late = try job(Photos.astronaut, deadline: .distantPast)
        let outcomes = try await stage().handle([late, try job(Photos.astronaut, deadline: .distantFuture)])
        #expect(outcomes[0].failure?.kind == .deadlinePassed)
        #expect(outcomes[1].fact is FaceDetected)
    }

    @Test("a picture has a share of the processor and no more")
    func work() async throws {
        var settings = LookSettings()
        settings.limits.work = .milliseconds(1)
        let stage = VisionStage(lanes: try Networks.lanes(), settings: settings, logger: Logger(label: "test"))
        let failure = try #require(await stage.handle([try job(Photos.astronaut)])[0].failure)
        #expect(failure.kind == .tooLarge)
        #expect(failure.detail.contains("0.001 seconds of work"))
    }

    @Test("nothing to do is no trouble")
    func empty() async throws {
        #expect(try await stage().handle([]).isEmpty)
    }
}

@Suite("Vision's settings")
struct VisionSettingsTests {
    @Test("defaults stand in the documentation")
    func defaults() throws {
        let settings = try VisionSettings(Settings([:]))
        #expect(settings.modelsDirectory == "Models" && settings.batch == 4 && settings.batchWait == .zero)
        #expect(settings.look.limits.bytes == 20_971_520 && settings.look.limits.pixels == 50_000_000)
        #expect(settings.look.limits.memory == 125_829_120 && settings.look.limits.side == 1280)
        #expect(settings.look.limits.work == .seconds(2))
        #expect(settings.look.smallestFace == 20)
        #expect(settings.threads >= 1 && settings.precision == .fastest)
        #expect(settings.stage.concurrency == settings.threads && settings.stage.batch == 4)
    }

    @Test("settings are read")
    func read() async throws {
        let settings = try VisionSettings(
            try await Settings.load(
                arguments: [
                    "--broker-host", "rabbit", "--vision-smallest-face", "40", "--vision-batch", "8",
                    "--vision-precision", "f32",
                ],
                environment: ["BROKER_PORT": "5680", "MODELS_DIRECTORY": "/models", "VISION_THREADS": "3"]))
        #expect(settings.broker.host == "rabbit" && settings.broker.port == 5680)
        #expect(settings.modelsDirectory == "/models" && settings.precision == .float32)
        #expect(settings.stage.concurrency == 3 && settings.stage.batch == 8)
        #expect(settings.look.smallestFace == 40)
    }

    @Test(
        "senseless values name their key",
        arguments: [
            ("vision.threads", "0"), ("vision.batch", "many"), ("vision.precision", "f16"),
            ("vision.smallestFace", "3"), ("vision.maximumImageWork", "0"), ("broker.port", "99999"),
        ])
    func invalid(key: String, value: String) async throws {
        let words = key.replacing(/[A-Z]/) { "-" + $0.output.lowercased() }
        let option = "--" + words.replacing(".", with: "-")
        let settings = try await Settings.load(arguments: [option, value], environment: [:])
        #expect {
            _ = try VisionSettings(settings)
        } throws: { error in
            "\(error)".contains(key)
        }
    }
}

extension Outcome {
    fileprivate var fact: (any Message)? {
        if case .completed(let message) = self { message } else { nil }
    }

    fileprivate var failure: Failure? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}
