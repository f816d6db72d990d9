import Broker
import Database
import Foundation
import Gateway
import Hummingbird
import HummingbirdTesting
import Logging
import Messages
import Synchronization

/// A gateway whose stages are a closure of the test's.
///
/// Its database does not exist, which only accepted jobs notice.
struct Scripted {
    typealias Ask = @Sendable (any Message, JobHeader) async throws(BrokerError) -> Envelope

    static func gateway(
        settings: GatewaySettings = GatewaySettings(), database: Database = nowhere,
        ask: @escaping Ask = { (_: any Message, _: JobHeader) async throws(BrokerError) -> Envelope in
            throw .disconnected
        },
        accept: @escaping @Sendable (any Message, JobHeader) async throws(BrokerError) -> Void = { _, _ in },
        metrics: RequestMetrics = RequestMetrics()
    ) -> Edge {
        let dispatcher = Dispatcher(
            ask: { (message: any Message, header: JobHeader, _: Date) async throws(BrokerError) -> Envelope in
                try await ask(message, header)
            },
            accept: accept)
        return Edge(
            API(
                settings: settings, gateway: .random(), dispatcher: dispatcher, jobs: JobStore(database),
                logger: Logger(label: "test")),
            hosts: AllowedHosts(settings.allowedHosts, bound: settings.host), metrics: metrics)
    }

    static func test(_ gateway: Edge, _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Void)
        async throws
    {
        try await Application(responder: gateway).test(.router, body)
    }

    /// A database at a port where nobody listens.
    static var nowhere: Database {
        Database(
            DatabaseSettings(address: DatabaseAddress("postgresql://nobody@127.0.0.1:9/none"), connections: 1),
            logger: Logger(label: "test"))
    }

    /// Stages that recognise `user` in every picture.
    static func stages(recognising user: UserID?, recording seen: Seen = Seen()) -> Ask {
        { (message: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
            seen.note(message, header)
            return envelope(Example.recommended(user), header)
        }
    }

    static func envelope(_ message: some Message, _ header: JobHeader) -> Envelope {
        do {
            return try Envelope(message, header: header)
        } catch {
            preconditionFailure("an example does not encode: \(error)")
        }
    }
}

/// What the scripted stages were asked.
final class Seen: Sendable {
    private let notes = Mutex<[(any Message, JobHeader)]>([])

    func note(_ message: any Message, _ header: JobHeader) {
        notes.withLock { $0.append((message, header)) }
    }

    var messages: [any Message] { notes.withLock { $0.map(\.0) } }
    var headers: [JobHeader] { notes.withLock { $0.map(\.1) } }
    var first: (any Message)? { messages.first }
    var header: JobHeader? { headers.first }
    var jobs: [JobID] { headers.map(\.job) }
    var clicks: Int { messages.count { $0 is VideoClicked } }
    var feedback: [FeedbackGiven] { messages.compactMap { $0 as? FeedbackGiven } }
    var wishes: [MoodWish?] { messages.compactMap { $0 as? UserRequested }.map(\.want) }
}

/// Facts as the stages would tell them.
enum Example {
    static let video = VideoID("gf6v59c5yuY")!

    static let analysis = FaceAnalysis(
        image: PixelSize(width: 640, height: 480),
        face: Face(
            box: Box(x: 10, y: 20, width: 100, height: 120),
            landmarks: Landmarks(
                leftEye: Point(x: 40, y: 60), rightEye: Point(x: 80, y: 60), nose: Point(x: 60, y: 80),
                leftMouth: Point(x: 45, y: 100), rightMouth: Point(x: 75, y: 100)),
            probability: 0.99, quality: FaceQuality(size: 100, sharpness: 50, yaw: 0)),
        mood: Mood(
            name: .happy, scores: ["happy": 0.75, "neutral": 0.25], expression: "happiness",
            expressions: ["happiness": 0.75]),
        reaction: Reaction(rating: 1, distance: 0.5, reference: "smile"), models: ["mood_net": "mood-1"])

    static func recommended(_ user: UserID?) -> Recommended {
        Recommended(
            analysis: analysis,
            person: Person(
                standing: user == nil ? .uncertain : .returning, user: user, distance: 0.25,
                reason: user == nil ? .ambiguous : nil),
            recommendations: list, version: 7)
    }

    static func described(_ user: UserID) -> UserDescribed {
        let (video, moment) = (NamedVideo(video, title: "Roar"), Date(timeIntervalSince1970: 1_700_000_060))
        let viewer = ViewerRecord(
            mood: ViewerRecord.Visit(.upset, at: moment),
            watched: [ViewerRecord.Watched(video, rating: 1, at: moment)],
            chosen: [ViewerRecord.Chosen(video, at: moment)],
            feedback: [ViewerRecord.Said(video, .notForMe, at: moment)], version: 7)
        return UserDescribed(
            user: user, since: 1_700_000_000, faces: 2,
            templates: [1_700_000_000, 1_700_000_060].map {
                UserDescribed.Template(added: Date(timeIntervalSince1970: $0), version: "identity-10", by: "enrolment")
            }, merged: [user], consent: UserDescribed.Consent(version: "1", at: moment), viewer: viewer)
    }

    static let list = (1...6).map {
        Recommendation(
            rank: $0, video: VideoID("aaaaaaaaaa\($0)")!, title: "Video \($0)", source: .mood, score: 1 / Float($0),
            because: $0 == 1 ? [NamedVideo(video, title: "Roar")] : nil)
    }
}
