import Database
import DatabaseTesting
import Foundation
import Messages
import Recommender
import Testing

/// Which versions stay, which one is served, and what of that operators decide.
@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct VersionsTests {
    /// A backup reads the rows for as long as it takes. What a batch would drop waits for its end, and nothing else does.
    @Test func aReaderOfRowsStopsNeitherBatchesNorAnswers() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch(kept: 1).run()
            try await store.database.withConnection { reader in
                try reader.query("BEGIN")
                try reader.query("SELECT count(*) FROM recommender.top")
                for version in 2...4 {
                    try await scenario.change()
                    #expect(try await scenario.batch(kept: 1).run() == .published(version: version, rows: 160))
                    #expect(try await scenario.selfie(people[0]).version == version)
                }
                #expect(try await Versions(store).all().map(\.number) == [4, 3, 2, 1])
                try reader.query("ROLLBACK")
            }
            // A look is enough, whether or not a run is due.
            #expect(try await scenario.batch(kept: 1).run() == .waiting(new: 0))
            #expect(try await Versions(store).all().map(\.number) == [4])
            #expect(try await scenario.count("models") == 1)
            #expect(try await scenario.count("top") == 160)
        }
    }

    @Test func theLastVersionOfADayStaysForSomeDays() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            for _ in 1...6 {
                _ = try await scenario.batch(kept: 6).run()
                try await scenario.change()
            }
            // At noon of UTC's days, so many of them ago.
            for (version, days) in [1: 3, 2: 2, 3: 2, 4: 1, 5: 0, 6: 0] {
                try await store.database.query(
                    """
                    UPDATE recommender.versions SET published_at = ((now() AT TIME ZONE 'UTC')::date - $1::int
                        + interval '12 hours' + number * interval '1 second') AT TIME ZONE 'UTC' WHERE number = $2
                    """, .integer(days), .integer(version))
            }
            #expect(try await scenario.batch(minimum: 9, kept: 1, days: 3).run() == .waiting(new: 1))
            #expect(try await Versions(store).all().map(\.number) == [6, 4, 3])
            #expect(try await scenario.batch(minimum: 9, kept: 2, days: 0).run() == .waiting(new: 1))
            #expect(try await Versions(store).all().map(\.number) == [6, 4])
        }
    }

    /// What was wrong with the newer version would be published again at once.
    @Test func aRollbackHoldsUntilItIsLifted() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            let versions = Versions(store)
            for _ in 1...3 {
                _ = try await scenario.batch().run()
                try await scenario.change()
            }
            #expect(try await versions.unpin() == nil)
            #expect(try await versions.rollBack() == 2)
            #expect(try await versions.state().pinned?.version == 2)
            #expect(try await versions.all().map { $0.pinned != nil } == [false, true, false])
            _ = try await scenario.selfie(people[0], watching: scenario.video(11), rating: 1, session: "later")
            for _ in 0..<2 {
                #expect(try await scenario.batch(kept: 1).run() == .pinned(version: 2))
            }
            // Nothing is dropped either: it may yet be wanted.
            #expect(try await versions.all().map(\.number) == [3, 2, 1])
            #expect(try await scenario.selfie(people[0]).version == 2)

            // Going elsewhere takes the pin along.
            #expect(try await versions.rollBack(to: 3) == 3)
            #expect(try await versions.state().pinned?.version == 3)
            #expect(try await versions.unpin() == 3)
            #expect(try await scenario.batch().run() == .published(version: 4, rows: 160))
            #expect(try await scenario.current() == 4)
        }
    }

    /// The lock that keeps a rollback out ends with its connection, which a batch does not notice.
    @Test func aBatchThatLostItsLockDoesNotPublishOverAPin() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            try await scenario.change()
            let batch = scenario.batch {
                try await store.database.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND pid <> pg_backend_pid()
                    """)
                try await eventually { (try? await Versions(store).rollBack(to: 1)) == 1 }
            }
            _ = try? await batch.run()
            #expect(try await Versions(store).all().map(\.number) == [1])
            #expect(try await Versions(store).state().pinned?.version == 1)
        }
    }

    /// An erasure that has begun waits for rows, and a rollback for its end: neither may hold what the other needs.
    @Test func aRollbackAndAnErasureDontBlockEachOther() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            for _ in 1...2 {
                _ = try await scenario.batch().run()
                // Everybody has to be folded in again.
                for (index, user) in people.enumerated() {
                    _ = try await scenario.selfie(
                        user, watching: scenario.video(index % 2 * 100 + 11), rating: 0, session: "\(UUID())")
                }
            }
            try await store.database.withConnection { connection in
                try connection.query("BEGIN")
                // The erasure holds its locks and has yet to delete the person's rows.
                try connection.query("LOCK TABLE recommender.summaries IN SHARE MODE")
                async let erased = scenario.send(ErasureRequested(user: people[3]), .erasure)
                try await scenario.isWaiting(in: "DELETE FROM recommender.summaries%")
                async let number = Versions(store).rollBack()
                try await scenario.isWaiting(in: "SELECT pg_advisory_xact_lock%")
                try connection.query("ROLLBACK")
                let outcome = try await erased
                #expect((outcome.fact as? ErasureRequested)?.known == [people[3]])
                #expect(try await number == 1)
            }
            #expect(try await scenario.count("top", "user_id = '\(people[3])'") == 0)
            #expect(try await scenario.count("top", "version = 1") == 150)
        }
    }

    /// Many at once, in whatever order: everything succeeds, and nothing of whom was erased is left.
    @Test func rollbacksErasuresAndRatingsRunSideBySide() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            for _ in 1...2 {
                _ = try await scenario.batch().run()
                try await scenario.change()
            }
            let (erased, staying) = (people[..<8], people[8...])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for round in 0..<6 { _ = try await Versions(store).rollBack(to: round % 2 + 1) }
                }
                for user in erased {
                    group.addTask {
                        let outcome = try await scenario.send(ErasureRequested(user: user), .erasure)
                        #expect(outcome.fact is ErasureRequested, "\(outcome)")
                    }
                }
                for (index, user) in staying.enumerated() {
                    group.addTask {
                        for session in 0..<4 {
                            let answer = try await scenario.selfie(
                                user, watching: scenario.video(20 + index), rating: session % 2, session: "\(session)")
                            #expect(answer.recommendations.count == 6)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await scenario.current() == 2)
            for user in erased {
                #expect(try await scenario.count("top", "user_id = '\(user)'") == 0)
                #expect(try await scenario.count("summaries", "user_id = '\(user)'") == 0)
            }
            for (index, user) in staying.enumerated() {
                #expect(try await scenario.count("top", "version = 2 AND user_id = '\(user)'") == 10)
                let seen = "video = '\(scenario.video(20 + index))'"
                #expect(try await scenario.count("top", "version = 2 AND user_id = '\(user)' AND \(seen)") == 0)
            }
        }
    }
}
