import Broker
import Database
import DatabaseTesting
import Foundation
import Messages
import ModelManifest
import Testing

@testable import Identity

struct Unexpected: Error {
    let outcome: Outcome
}

extension Outcome {
    func completed<M: Message>(_: M.Type) -> M? {
        if case .completed(let message) = self { message as? M } else { nil }
    }
}

func identified(_ outcome: Outcome) throws -> Person {
    guard let message = outcome.completed(PersonIdentified.self) else { throw Unexpected(outcome: outcome) }
    return message.person
}

func withRecogniser(
    network: IdentityNetwork? = nil, cohort: Cohort? = nil, templates: Int = 8,
    _ body: (Recogniser, Database) async throws -> Void
) async throws {
    try await TestDatabase.withAddress { address in
        try await TestDatabase.withPool(of: address) { database in
            try await body(
                try await recogniser(database, network: network, cohort: cohort, templates: templates), database)
        }
    }
}

func recogniser(
    _ database: Database, network: IdentityNetwork? = nil, cohort: Cohort? = nil, previous: IdentityNetwork? = nil,
    templates: Int = 8
) async throws -> Recogniser {
    try await database.migrate(schema: Schema.name, Schema.migrations)
    let current = KnownPeople(network: try network ?? identityNetwork(), cohort: cohort)
    let recogniser = Recogniser(
        database: database, current: current, previous: previous.map { KnownPeople(network: $0, cohort: nil) },
        templates: templates)
    try await recogniser.catchUp()
    return recogniser
}

func users(in database: Database) async throws -> Int {
    try await database.query("SELECT count(*) AS count FROM identity.users")[0].decode("count")
}

/// A network of that width that tells apart by the thresholds of these tests.
func identityNetwork(version: String = "test-1", width: Int = 8, further: String = "") throws -> IdentityNetwork {
    let point = "[1, 1]"
    let json = """
        {"version": "\(version)", "graph": {"file": "g", "sha256": "\(String(repeating: "0", count: 64))"},
         "weights": {"file": "w", "sha256": "\(String(repeating: "0", count: 64))"},
         "input": {"name": "image", "width": 112, "height": 112, "colour": "rgb", "mean": [0, 0, 0],
                   "deviation": [1, 1, 1], "template": [\([point, point, point, point, point].joined(separator: ","))]},
         "outputs": {"embedding": \(width)}, "licence": "", "source": "", "card": "",
         "identification": {"match": 0.4, "enrol": 0.6, "claim": 0.5, "add": 0.29, "minimumFace": 40, "minimumSharpness": 0, "maximumYaw": 1
                            \(further)}}
        """
    return try JSONDecoder().decode(IdentityNetwork.self, from: Data(json.utf8))
}

func isAbout(_ expected: Float, _ distance: Float?) -> Bool {
    distance.map { abs($0 - expected) < 1e-5 } ?? false
}

func cohortFile(nearest: Int, weight: Float, usual: Float) throws -> CohortFile {
    let json = """
        {"file": "c", "sha256": "\(String(repeating: "0", count: 64))", "nearest": \(nearest), "weight": \(weight),
         "usual": \(usual)}
        """
    return try JSONDecoder().decode(CohortFile.self, from: Data(json.utf8))
}

/// The axis of that number.
func axis(_ index: Int) -> [Float] {
    (0..<8).map { $0 == index ? 1 : 0 }
}

/// A unit vector at the given cosine from one axis, in the plane with another, on that one's negative side or not.
func mixed(_ one: Int, _ other: Int, cosine: Float, negative: Bool = false) -> [Float] {
    let sine = (1 - cosine * cosine).squareRoot() * (negative ? -1 : 1)
    return zip(axis(one), axis(other)).map { $0 * cosine + $1 * sine }
}

func candidate(
    _ index: Int, job: JobID = .random(), submitted: Date = .now, declared: Declaration? = nil, claims: [UserID] = []
) -> Probe {
    candidate(axis(index), job: job, submitted: submitted, declared: declared, claims: claims)
}

func candidate(
    _ values: [Float], job: JobID = .random(), submitted: Date = .now, declared: Declaration? = nil,
    claims: [UserID] = []
) -> Probe {
    Probe(
        job: job, submitted: submitted, templates: [FaceTemplate(version: "test-1", values: values)],
        declared: declared, claims: claims)
}

func job<M: Message>(_ message: M, _ trip: Trip) throws -> Envelope {
    let header = JobHeader(job: .random(), trip: trip, reply: .accepted, published: Date())
    return try Envelope(message, header: header)
}

let analysis: FaceAnalysis = {
    let point = Point(x: 0, y: 0)
    return FaceAnalysis(
        image: PixelSize(width: 10, height: 10),
        face: Face(
            box: Box(x: 0, y: 0, width: 100, height: 100),
            landmarks: Landmarks(leftEye: point, rightEye: point, nose: point, leftMouth: point, rightMouth: point),
            probability: 1, quality: FaceQuality(size: 100, sharpness: 100, yaw: 0)),
        mood: Mood(name: .happy, scores: ["happy": 1], expression: "happiness", expressions: ["happiness": 1]),
        reaction: nil, models: [:])
}()
