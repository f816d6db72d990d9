import Foundation
import Messages
import ModelManifest
import Testing

@testable import Vision

@Suite("Analysis")
struct AnalysisTests {
    @Test("a photo gives a face, a mood, an expression and an identity")
    func photo() async throws {
        let lanes = try Networks.lanes()
        let (face, reading) = try await lanes.withLane { lane in
            let face = try await lane.look(at: Photos.astronaut, LookSettings())
            return (face, try await lane.read([face])[0])
        }
        let analysis = lanes.networks.analysis(of: face, reading, reacting: true)
        #expect(analysis.image == PixelSize(width: 512, height: 512))
        #expect(analysis.mood.name == .happy)
        #expect(analysis.mood.expression == "happiness")
        #expect(abs(analysis.mood.scores.values.reduce(0, +) - 1) < 1e-4)
        #expect(Set(analysis.mood.scores.keys) == Set(MoodName.allCases.map(\.rawValue)))
        #expect(analysis.mood.expressions.count == 8)
        #expect(Set(analysis.models.keys) == ["detector", "identity", "expression"])
        #expect(analysis.face.quality.size > 60 && analysis.face.quality.sharpness > 0)
        let reaction = try #require(analysis.reaction)
        #expect((0...2).contains(reaction.distance) && (0...1).contains(reaction.rating))
        let identity = try #require(reading.identity)
        #expect(identity.count == 512 && reading.expression.vector.count == 16)
        for vector in [identity, reading.expression.vector] {
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
        }
        #expect(lanes.networks.analysis(of: face, reading, reacting: false).reaction == nil)
    }

    @Test("a batch says of each face what it says of it alone")
    func batch() async throws {
        let lanes = try Networks.lanes()
        let files = ["astronaut.png", "obama.jpg", "biden.jpg"].map(Photos.data)
        let faces = try await lanes.map(files) { analyser, file in
            try analyser.largestFace(in: Picture(file, limits: ImageLimits()), smallest: 20)!
        }
        let together = try await lanes.withLane { try await $0.read(faces) }
        for (face, reading) in zip(faces, together) {
            let alone = try await lanes.withLane { try await $0.read([face])[0] }
            #expect(try cosine(alone, reading) > 0.9999)
        }
        // Three people.
        for (first, second) in [(0, 1), (0, 2), (1, 2)] {
            #expect(try cosine(together[first], together[second]) < 0.7)
        }
        #expect(try await lanes.withLane { try await $0.read([]) }.isEmpty)
    }

    @Test("a face has one vector, whichever lane of whichever worker reads it")
    func oneVector() async throws {
        let (here, elsewhere) = (
            try Networks.lanes(), try AnalysisLanes(directory: Networks.directory, precision: .fastest, count: 2)
        )
        let face = try await here.withLane { try await $0.look(at: Photos.data("obama.jpg"), LookSettings()) }
        let wanted = try await here.withLane { try await $0.read([face])[0] }
        for lanes in [here, elsewhere] {
            try await lanes.withLane { first in
                try await lanes.withLane { second in
                    for lane in [first, second] {
                        for reading in try await lane.read([face]) + lane.read([face, face, face]) {
                            #expect(try cosine(reading, wanted) > 0.9999)
                        }
                    }
                }
            }
        }
    }

    @Test("each part of an identity has the share that its weight gives it", .enabled(if: Networks.haveSFace))
    func shares() async throws {
        let manifest = try ModelManifest(directory: Networks.models)
        let parts = try manifest.identity.parts
        let lanes = try Networks.lanes()
        let identity = try await lanes.withLane { lane in
            try await lane.read([try await lane.look(at: Photos.astronaut, LookSettings())])[0].identity!
        }
        #expect(parts.map(\.width) == [384, 128] && identity.count == 512)
        let whole = parts.reduce(0) { $0 + $1.weight * $1.weight }
        var start = 0
        for part in parts {
            let square = identity[start..<start + part.width].reduce(0) { $0 + $1 * $1 }
            #expect(abs(square - part.weight * part.weight / whole) < 1e-4)
            start += part.width
        }
    }

    @Test("our network alone is a version of its own", .enabled(if: Networks.haveSFace))
    func alone() async throws {
        let alone = try AnalysisLanes(directory: Networks.models + "/alone", count: 1)
        let version = try #require(alone.networks.versions["identity"])
        #expect(version != (try Networks.lanes().networks.versions["identity"]))
        let identity = try await alone.withLane { lane in
            try await lane.read([try await lane.look(at: Photos.astronaut, LookSettings())])[0].identity!
        }
        #expect(identity.count == 512 && abs(identity.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
    }

    private func cosine(_ first: FaceReading, _ second: FaceReading) throws -> Float {
        zip(try #require(first.identity), try #require(second.identity)).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private static let people = ["astronaut.png", "obama.jpg", "biden.jpg"]

    @Test(
        "int8 says the same within the tolerance that docs/operations.md states", .enabled(if: Networks.haveSFace),
        arguments: people)
    func int8(photo: String) async throws {
        let (exact, quick) = (try Networks.lanes(.float32), try Networks.int8Lanes())
        for name in ["identity", "expression"] {
            #expect(quick.networks.versions[name] == exact.networks.versions[name].map { $0 + "-int8" })
        }
        try await expectSame(photo, exact, quick, cosine: 0.97, probability: 0.1)
    }

    @Test(
        "bfloat16 says the same within the tolerance that docs/operations.md states",
        .enabled(if: Precision.bfloat16.isAvailable),
        arguments: people)
    func bfloat16(photo: String) async throws {
        let (exact, quick) = (try Networks.lanes(.float32), try Networks.lanes(.bfloat16))
        #expect(quick.networks.versions == exact.networks.versions)
        try await expectSame(photo, exact, quick, cosine: 0.999, probability: 0.02)
    }

    /// Expects the same mood, and vectors and probabilities close to `exact`'s.
    private func expectSame(
        _ photo: String, _ exact: AnalysisLanes, _ quick: AnalysisLanes, cosine least: Float, probability most: Float
    ) async throws {
        let face = try await exact.withLane { try await $0.look(at: Photos.data(photo), LookSettings()) }
        let expected = try await exact.withLane { try await $0.read([face])[0] }
        let found = try await quick.withLane { try await $0.read([face])[0] }
        #expect(try cosine(expected, found) > least)
        let (wanted, mood) = (
            exact.networks.analysis(of: face, expected, reacting: false).mood,
            quick.networks.analysis(of: face, found, reacting: false).mood
        )
        #expect(mood.name == wanted.name)
        for (name, score) in wanted.scores { #expect(abs(try #require(mood.scores[name]) - score) < most) }
    }

    @Test("a picture without a face is a failure, not an error")
    func noFace() async throws {
        let file = Encoded.png(Photos.plain(width: 80, height: 80))
        let lanes = try Networks.lanes()
        await #expect(throws: Failure.self) {
            _ = try await lanes.withLane { try await $0.look(at: file, LookSettings()) }
        }
    }

    @Test("lanes do all the work in order, and errors come through")
    func lanes() async throws {
        struct Refused: Error {}
        let lanes = try Networks.lanes()
        let squares = try await lanes.map(Array(0..<50)) { _, number in number * number }
        #expect(squares == (0..<50).map { $0 * $0 })
        await #expect(throws: Refused.self) {
            _ = try await lanes.map([1, 2, 3]) { _, number in if number == 2 { throw Refused() } }
        }
        try await lanes.rehearse()
    }

    @Test("moods add up their expressions")
    func moods() throws {
        let moods = try Networks.lanes().networks.moods
        var probabilities = [Float](repeating: 0, count: 8)
        for (label, value) in ["anger": 0.2, "fear": 0.15, "sadness": 0.1, "happiness": 0.4, "neutral": 0.15]
            as [String: Float]
        {
            probabilities[try #require(moods.labels.firstIndex(of: label))] = value
        }
        let mood = moods.mood(probabilities)
        #expect(mood.name == .upset)
        #expect(mood.expression == "happiness")
        #expect(abs(mood.scores["upset"]! - 0.45) < 1e-6)
        #expect(abs(mood.scores["happy"]! - 0.4) < 1e-6)
    }

    @Test("a reaction is 1 within tau of the nearest reference")
    func reaction() throws {
        let references = try Networks.lanes().networks.expressionNetwork.reaction
        let first = try #require(references.references.first)
        let own = references.reaction(to: first.vector)
        #expect(own.rating == 1 && own.distance < 1e-3 && own.reference == first.name)
        let opposite = references.reaction(to: first.vector.map { -$0 })
        #expect(opposite.rating == 0 && opposite.distance > references.tau)
    }
}
