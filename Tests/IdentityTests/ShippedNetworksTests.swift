import Database
import DatabaseTesting
import Foundation
import Messages
import Testing
import Vision

@testable import Identity

/// From the network that ships in float32 to the one in int8, whose vectors are never compared.
@Suite(
    .enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)),
    .enabled(if: FileManager.default.fileExists(atPath: root + "/Models/third-party/sface.bin"), "SFace is missing"),
    .timeLimit(.minutes(5)))
struct ShippedNetworksTests {
    @Test func whoeverIsKnownInFloat32IsKnownInInt8() async throws {
        let float32 = root + "/Models"
        let int8 = root + "/Models/int8"
        let photos = try ["astronaut.png", "obama.jpg", "biden.jpg"].map {
            try Data(contentsOf: URL(filePath: "\(root)/Tests/VisionTests/Photos/\($0)"))
        }
        let lanes = try AnalysisLanes(directory: int8, previous: float32, precision: .float32, count: 1)
        let previous = try #require(lanes.networks.previousIdentity)
        let probes = try await lanes.withLane { lane in
            try await lane.read(try await photos.asyncMap { try await lane.look(at: $0, LookSettings()) })
        }.map { reading in
            Probe(
                job: .random(), submitted: .now,
                templates: [
                    FaceTemplate(version: lanes.networks.identity.version, values: try #require(reading.identity)),
                    FaceTemplate(version: previous.version, values: try #require(reading.previousIdentity)),
                ])
        }
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                try await database.migrate(schema: Schema.name, Schema.migrations)
                func users(_ recogniser: Recogniser, _ probes: [Probe]) async throws -> [UserID?] {
                    try await recogniser.recognise(probes).map { try $0.get().user }
                }
                func known(_ models: String) throws -> KnownPeople { try KnownPeople(models: models) }
                // As they came while float32 was the only one.
                let earlier = probes.map { Probe(job: .random(), submitted: .now, templates: [$0.templates[1]]) }
                let people = try await users(Recogniser(database: database, current: known(float32)), earlier)
                #expect(Set(people.compactMap(\.self)).count == 3)

                var alone = probes
                for index in alone.indices { (alone[index].job, alone[index].declared) = (.random(), .isKnown) }
                let stranger = Recogniser(database: database, current: try known(int8))
                #expect(try await users(stranger, alone) == [nil, nil, nil])

                let migrating = Recogniser(database: database, current: try known(int8), previous: try known(float32))
                #expect(try await users(migrating, probes) == people)
                try await stranger.catchUp()
                #expect(try await users(stranger, alone) == people)
            }
        }
    }
}

private let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    .standardizedFileURL.path

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
