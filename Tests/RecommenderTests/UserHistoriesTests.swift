import Database
import DatabaseTesting
import Foundation
import Messages
import Recommender
import Testing

/// What a batch keeps of people's ratings, and when it reads them again.
@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct UserHistoriesTests {
    /// Ratings that disappear without a change of their person show whether they were read again.
    @Test func onlyWhoRatedSinceIsReadAgain() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            #expect(try await scenario.count("summaries") == 16)
            try await store.database.query(
                "DELETE FROM recommender.reactions WHERE user_id = $1", .uuid(people[0].uuid))
            try await store.database.query(
                "DELETE FROM recommender.reactions WHERE user_id = $1", .uuid(people[1].uuid))
            _ = try await scenario.selfie(people[1], watching: scenario.video(11), rating: 1, session: "later")
            _ = try await scenario.batch().run()
            let ratings = try await Versions(store).all().map(\.ratings)
            #expect(ratings == [128 - 8 + 1, 128])
            #expect(try await scenario.count("summaries") == 16)
        }
    }

    /// What is kept gives the same version, to the bit, as what is read anew, with clicks, repeated and bored ones.
    @Test func whatIsKeptGivesTheSameVersion() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            _ = try await scenario.click(people[2], scenario.video(30))
            _ = try await scenario.selfie(people[3], watching: scenario.video(31), rating: 0)
            _ = try await scenario.selfie(people[4], watching: scenario.video(0), rating: 1, session: "again")
            for clear in [false, false, true] {
                if clear { try await store.database.query("DELETE FROM recommender.summaries") }
                _ = try await scenario.batch().run()
                try await store.database.query("SELECT nextval('recommender.changes')")
            }
            let factors = try await store.database.query("SELECT factors FROM recommender.models ORDER BY version")
                .map { try $0.decode("factors", as: Data.self) }
            #expect(factors.count == 3)
            #expect(Set(factors).count == 1)
            let rows = try await store.database.query(
                "SELECT count(*) AS n FROM (SELECT user_id, rank, video, score FROM recommender.top GROUP BY 1, 2, 3, 4) AS rows"
            )
            #expect(try rows[0].decode("n") == 160)
        }
    }

    @Test func anotherWeightOfClicksReadsThemAgain() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            _ = try await scenario.click(people[2], scenario.video(30))
            _ = try await scenario.batch().run()
            #expect(try await Versions(store).all()[0].ratings == 129)
            let other = try Scenario(
                Store(database: store.database, weights: RatingWeights(click: 0), rows: store.rows),
                keywords: MoodKeywords.defaults)
            try await store.database.query("SELECT nextval('recommender.changes')")
            _ = try await other.batch().run()
            #expect(try await Versions(store).all()[0].ratings == 128)
            #expect(try await scenario.count("summaries", "click_weight = 0") == 16)
            #expect(try await scenario.count("summaries") == 16)
        }
    }

    /// Somebody is erased after a batch has read them and before it keeps what it read.
    @Test func nothingIsKeptOfWhoIsErasedMeanwhile() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            try await store.database.withConnection { connection in
                try connection.query(
                    """
                    CREATE FUNCTION recommender.wait() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN PERFORM pg_advisory_xact_lock_shared(4711, 1); RETURN NEW; END $$
                    """)
                try connection.query(
                    """
                    CREATE TRIGGER wait BEFORE INSERT ON recommender.summaries
                    FOR EACH ROW EXECUTE FUNCTION recommender.wait()
                    """)
                try connection.query("SELECT pg_advisory_lock(4711, 1)")
                async let outcome = scenario.batch().run()
                try await scenario.isWaiting(in: "COPY recommender.summaries%")
                _ = try await scenario.send(ErasureRequested(user: people[5]), .erasure)
                try connection.query("SELECT pg_advisory_unlock(4711, 1)")
                #expect(try await outcome == .published(version: 1, rows: 160))
            }
            #expect(try await scenario.count("summaries") == 15)
            #expect(try await scenario.count("summaries", "user_id = '\(people[5])'") == 0)
            #expect(try await scenario.count("top", "user_id = '\(people[5])'") == 0)
        }
    }
}
