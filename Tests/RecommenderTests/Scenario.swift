import Broker
import Database
import DatabaseTesting
import Foundation
import ImplicitALS
import Messages
import Recommender
import Testing

/// A stage on a store, and what tests tell it.
struct Scenario: Sendable {
    let store: Store
    let stage: RecommenderStage
    let catalogue: Catalogue

    init(_ store: Store, keywords: [MoodName: [String]] = MoodKeywords.defaults, asksYouTube: Bool = false) throws {
        self.store = store
        catalogue = try Catalogue.bundled()
        stage = RecommenderStage(
            store: store, catalogue: catalogue, keywords: try #require(MoodKeywords(keywords)),
            asksYouTube: asksYouTube, logger: TestDatabase.silence)
    }

    func video(_ index: Int) -> VideoID { catalogue.entries[index].video.id }

    func send(
        _ message: some Message, _ trip: Trip, job: JobID = .random(), submitted: Date = .now
    ) async throws -> Outcome {
        let header = JobHeader(job: job, trip: trip, reply: .accepted, published: .now, submitted: submitted)
        let outcomes = await stage.handle([try Envelope(message, header: header)])
        #expect(outcomes.count == 1)
        return outcomes[0]
    }

    /// A selfie of a person, perhaps while watching a video; a rating stands for a reaction.
    func selfie(
        _ user: UserID?, _ standing: Person.Standing = .returning, mood: MoodName = .happy, watching: VideoID? = nil,
        rating: Int? = nil, session: String = "s", want: MoodWish? = nil, job: JobID = .random(), submitted: Date = .now
    ) async throws -> Recommended {
        let face = Face(
            box: Box(x: 0, y: 0, width: 9, height: 9),
            landmarks: Landmarks(
                leftEye: Point(x: 0, y: 0), rightEye: Point(x: 1, y: 0), nose: Point(x: 0, y: 1),
                leftMouth: Point(x: 0, y: 2), rightMouth: Point(x: 1, y: 2)),
            probability: 1, quality: FaceQuality(size: 90, sharpness: 100, yaw: 0))
        let analysis = FaceAnalysis(
            image: PixelSize(width: 100, height: 100), face: face,
            mood: Mood(name: mood, scores: [:], expression: mood.rawValue, expressions: [:]),
            reaction: rating.map { Reaction(rating: $0, distance: 0.5, reference: "a") }, models: [:])
        let identified = PersonIdentified(
            request: SelfieRequest(watching: watching.map { Watching(video: $0, session: session) }, want: want),
            analysis: analysis, person: Person(standing: standing, user: user, distance: 0.1))
        return try #require(try await send(identified, .selfie, job: job, submitted: submitted).fact as? Recommended)
    }

    func list(_ user: UserID, want: MoodWish? = nil) async throws -> Outcome {
        try await send(UserRequested(user: user, want: want), .recommendations)
    }

    /// Says something of a video, or takes it back.
    func say(
        _ kind: FeedbackKind?, _ user: UserID, _ video: VideoID, submitted: Date = .now
    ) async throws -> Outcome {
        try await send(FeedbackGiven(user: user, video: video, kind: kind), .feedback, submitted: submitted)
    }

    /// How many people are counted as having chosen a video.
    func people(whoChose video: VideoID) async throws -> Int {
        try await store.database.query(
            "SELECT people FROM recommender.popularity WHERE video = $1", .text(video.rawValue))[0]
            .decode("people")
    }

    func click(_ user: UserID, _ video: VideoID, job: JobID = .random()) async throws -> Outcome {
        try await send(VideoClicked(user: user, video: video), .click, job: job)
    }

    /// What is kept of a user, as the trip that asks for it ends.
    func record(_ user: UserID) async throws -> ViewerRecord? {
        let begun = UserDescribed(user: user, since: 0, faces: 1)
        let described = try #require(try await send(begun, .user).fact as? UserDescribed)
        #expect(described.user == user && described.faces == 1)
        return described.viewer
    }

    func batch(
        minimum: Int = 1, kept: Int = 3, days: Int = 0, interval: Duration = .zero, rank: Int = 8, lambda: Float = 5,
        iterations: Int = 6, gate: Gate = Gate(), onTrained: @escaping @Sendable () async throws -> Void = {}
    ) -> Batch {
        Batch(
            store: store,
            parameters: TrainingParameters(
                rank: rank, objective: .confidence(alpha: 10, lambda: lambda), iterations: iterations),
            interval: interval, minimumNewRatings: minimum, kept: Versions.Retention(count: kept, days: days),
            threads: 2, gate: gate, logger: TestDatabase.silence, onTrained: onTrained)
    }

    /// Makes a batch due, as a rating does.
    func change() async throws {
        try await store.database.query("SELECT nextval('recommender.changes')")
    }

    /// The number of the current version.
    func current() async throws -> Int? {
        try await Versions(store).all().first(where: \.isCurrent)?.number
    }

    /// Asks again and again until a session of this database waits for a lock in a statement like this.
    func isWaiting(in statement: String) async throws {
        try await eventually {
            try await !store.database.query(
                """
                SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND wait_event_type = 'Lock' AND ltrim(query) LIKE $1
                """, .text(statement)
            ).isEmpty
        }
    }

    /// Two groups of eight people; each group enjoys most of twelve videos of its own.
    func rateInTwoGroups() async throws -> [UserID] {
        let people = (0..<16).map { _ in UserID.random() }
        for (index, user) in people.enumerated() {
            for offset in 0..<12 where (index / 2 + offset) % 3 != 0 {
                _ = try await selfie(user, watching: video(index % 2 * 100 + offset), rating: 1)
            }
        }
        return people
    }

    /// The same, and what each person enjoyed last differs from person to person, so that popularity finds some of it.
    func rateInTwoGroupsWithLasts() async throws -> [UserID] {
        let people = try await rateInTwoGroups()
        for (index, user) in people.enumerated() {
            let last = video(index % 2 * 100 + (13 - index / 2) % 12)
            _ = try await selfie(user, watching: last, rating: 1, session: "last")
        }
        return people
    }

    func count(_ table: String, _ condition: String = "true") async throws -> Int {
        try await store.database.query("SELECT count(*) AS n FROM recommender.\(table) WHERE \(condition)")[0].decode(
            "n")
    }
}

/// Asks again and again until it is so, for at most two minutes.
func eventually(_ isSo: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(120)
    while try await !isSo() {
        try #require(ContinuousClock.now < end, "it was not so within two minutes")
        try await Task.sleep(for: .milliseconds(10))
    }
}

extension Outcome {
    /// What the trip goes on with.
    var fact: (any Message)? { if case .completed(let message) = self { message } else { nil } }
    /// Why it ended for good.
    var failure: Failure? { if case .failed(let failure) = self { failure } else { nil } }
    /// Why it must be tried again.
    var unavailable: Failure? { if case .unavailable(let failure) = self { failure } else { nil } }
}

extension [Recommendation] {
    var videos: [VideoID] { map(\.video) }
    func count(_ source: Recommendation.Source) -> Int { count { $0.source == source } }
}

extension Scenario {
    init(store: Store, stage: RecommenderStage, catalogue: Catalogue) {
        (self.store, self.stage, self.catalogue) = (store, stage, catalogue)
    }
}
