import Database
import DatabaseTesting
import Foundation
import ImplicitALS
import Messages
import Recommender
import Testing

/// How many people chose a video is counted as they do, never from the ratings.
@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct PopularityTests {
    @Test func aPersonCountsOnceAVideoByReactionOrClick() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (one, other, job) = (UserID.random(), UserID.random(), JobID.random())
            let (video, clicked) = (scenario.video(0), scenario.video(1))
            _ = try await scenario.selfie(one, .new, watching: video, rating: 0)
            #expect(try await popularity(store) == [:])
            for session in ["s", "s", "t"] {
                _ = try await scenario.selfie(one, watching: video, rating: 1, session: session)
            }
            _ = try await scenario.click(one, video)
            #expect(try await popularity(store) == [video: 1])
            _ = try await scenario.selfie(other, .new)
            // The message comes twice.
            for _ in 0..<2 { _ = try await scenario.click(other, video, job: job) }
            _ = try await scenario.selfie(other, watching: video, rating: 1)
            _ = try await scenario.click(other, clicked)
            #expect(try await popularity(store) == [video: 2, clicked: 1])
            for _ in 0..<2 { _ = try await scenario.send(ErasureRequested(user: other), .erasure) }
            #expect(try await popularity(store) == [video: 1])
        }
    }

    /// Everybody chooses among the same few videos while others are erased, and messages come twice.
    @Test func theCountIsRightWhateverHappensAtOnce() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = (0..<12).map { _ in UserID.random() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, user) in people.enumerated() {
                    for part in 0..<2 {
                        group.addTask {
                            var chance = SplitMix64(seed: UInt64(index * 2 + part))
                            for turn in 0..<12 {
                                let video = scenario.video(Int.random(in: 0..<5, using: &chance))
                                let job = JobID.random()
                                for _ in 0...Int.random(in: 0...1, using: &chance) {
                                    if turn.isMultiple(of: 3) {
                                        _ = try await scenario.click(user, video, job: job)
                                    } else {
                                        _ = try await scenario.selfie(
                                            user, watching: video, rating: Int.random(in: 0...1, using: &chance),
                                            session: "\(turn % 4)", job: job)
                                    }
                                }
                            }
                            if index < 4 {
                                let outcome = try await scenario.send(ErasureRequested(user: user), .erasure)
                                #expect(outcome.fact is ErasureRequested, "\(outcome)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let counted = try await popularity(store)
            #expect(counted.values.reduce(0, +) > 0)
            let chosen = try await store.database.query(
                "SELECT video, count(*) AS people FROM recommender.chosen GROUP BY video"
            ).map {
                (try #require(VideoID(try $0.decode("video", as: String.self))), try $0.decode("people", as: Int.self))
            }
            #expect(counted == Dictionary(uniqueKeysWithValues: chosen))
        }
    }

    @Test func theMigrationCountsWhatIsThere() async throws {
        try await TestDatabase.with { database in
            try await database.migrate(schema: Schema.name, Array(Schema.migrations.prefix(5)))
            try await database.withConnection { connection in
                try connection.script(
                    """
                    INSERT INTO recommender.items VALUES ('aaaaaaaaaaa', 'A'), ('bbbbbbbbbbb', 'B'), ('ccccccccccc', 'C');
                    INSERT INTO recommender.reactions (user_id, video, session, rating, job)
                        SELECT md5(person::text)::uuid, 'aaaaaaaaaaa', session, rating, gen_random_uuid()
                        FROM (VALUES (1, 's', 1), (1, 't', 1), (2, 's', 0), (3, 's', 1)) AS row (person, session, rating);
                    INSERT INTO recommender.clicks (job, user_id, video)
                        SELECT gen_random_uuid(), md5(person::text)::uuid, video
                        FROM (VALUES (1, 'aaaaaaaaaaa'), (2, 'bbbbbbbbbbb'), (2, 'bbbbbbbbbbb')) AS row (person, video);
                    """)
            }
            let store = Store(database: database, rows: 10)
            try await store.prepare(try Catalogue.bundled())
            let counted = try await popularity(store)
            #expect(counted == [try #require(VideoID("aaaaaaaaaaa")): 2, try #require(VideoID("bbbbbbbbbbb")): 1])
            let (items, rows) = try await database.transaction { connection in
                let count =
                    "SELECT (SELECT count(*) FROM recommender.items) AS items, count(*) AS n FROM recommender.popularity"
                let row = try connection.query(count)[0]
                return (try row.decode("items", as: Int.self), try row.decode("n", as: Int.self))
            }
            #expect(items == rows)
        }
    }

    /// The counts above zero.
    private func popularity(_ store: Store) async throws -> [VideoID: Int] {
        let rows = try await store.database.query("SELECT video, people FROM recommender.popularity WHERE people <> 0")
        return try Dictionary(
            uniqueKeysWithValues: rows.map {
                (try #require(VideoID(try $0.decode("video", as: String.self))), try $0.decode("people"))
            })
    }
}
