import Database
import DatabaseTesting
import Foundation
import Messages
import Recommender
import ServiceLifecycle
import ServiceLifecycleTestKit
import Testing

@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct BatchTests {
    @Test func waitsForEnoughNewRatings() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            #expect(try await scenario.batch(minimum: 3).run() == .waiting(new: 0))
            let user = UserID.random()
            for index in 0..<3 { _ = try await scenario.selfie(user, watching: scenario.video(index), rating: 1) }
            #expect(try await scenario.batch(minimum: 4).run() == .waiting(new: 3))
            #expect(try await scenario.batch(minimum: 3).run() == .published(version: 1, rows: 0))
            #expect(try await scenario.batch(minimum: 1).run() == .waiting(new: 0))
        }
    }

    @Test func learnsNothingFromZeroes() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.selfie(.random(), watching: scenario.video(0), rating: 0)
            #expect(try await scenario.batch().run() == .nothingToLearn)
            #expect(try await scenario.count("versions") == 0)
        }
    }

    /// Somebody watched what another enjoyed, without enjoying it: it must not be in their rows.
    @Test func leavesOutWhatWasWatchedWithoutEnjoyment() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (one, other) = (UserID.random(), UserID.random())
            for index in 0..<4 { _ = try await scenario.selfie(one, watching: scenario.video(index), rating: 1) }
            for index in 0..<2 { _ = try await scenario.selfie(other, watching: scenario.video(index), rating: 1) }
            _ = try await scenario.selfie(other, watching: scenario.video(2), rating: 0)
            _ = try await scenario.selfie(other, watching: scenario.video(9), rating: 0)
            #expect(try await scenario.batch().run() == .published(version: 1, rows: 1))
            let rows = try await store.database.query("SELECT user_id, video FROM recommender.top")
            #expect(try rows[0].decode("user_id") == other.uuid)
            #expect(try rows[0].decode("video") == scenario.video(3).rawValue)
        }
    }

    @Test func theSameRatingsGiveTheSameVersion() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            for _ in 0..<2 {
                _ = try await scenario.batch().run()
                try await store.database.query("SELECT nextval('recommender.changes')")
            }
            let models = try await store.database.query("SELECT factors FROM recommender.models")
            #expect(models.count == 2)
            #expect(try models[0].decode("factors") as Data == models[1].decode("factors") as Data)
        }
    }

    @Test func keepsTheLastVersionsAndRollsBack() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            for _ in 1...4 {
                _ = try await scenario.batch(kept: 2).run()
                try await store.database.query("SELECT nextval('recommender.changes')")
            }
            let versions = Versions(store)
            #expect(try await versions.all().map(\.number) == [4, 3])
            #expect(try await versions.all().map(\.isCurrent) == [true, false])
            #expect(try await scenario.count("top", "version < 3") == 0)
            #expect(try await scenario.count("models") == 2)

            // Whoever rates now is in version 4; going back must fold that into version 3 too.
            let liked = scenario.video(11)
            _ = try await scenario.selfie(people[0], watching: liked, rating: 1, session: "later")
            #expect(try await versions.rollBack() == 3)
            #expect(try await versions.all().map(\.isCurrent) == [false, true])
            let answer = try await scenario.selfie(people[0])
            #expect(answer.version == 3)
            #expect(
                try await scenario.count("top", "version = 3 AND user_id = '\(people[0])' AND video = '\(liked)'") == 0)

            await #expect(throws: Versions.RollbackError.noEarlier) { try await versions.rollBack() }
            await #expect(throws: Versions.RollbackError.notKept(1)) { try await versions.rollBack(to: 1) }
            #expect(try await versions.rollBack(to: 4) == 4)
            #expect(try await scenario.selfie(people[0]).version == 4)
        }
    }

    @Test func whoIsErasedDuringARunIsNotPublished() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            let batch = scenario.batch { _ = try await scenario.send(ErasureRequested(user: people[5]), .erasure) }
            #expect(try await batch.run() == .published(version: 1, rows: 160))
            #expect(try await scenario.count("top") == 150)
            for table in ["top", "summaries", "reactions", "people"] {
                #expect(try await scenario.count(table, "user_id = '\(people[5])'") == 0)
            }
            _ = try await scenario.batch().run()
            #expect(try await scenario.count("top", "user_id = '\(people[5])'") == 0)
        }
    }

    @Test func whoRatesDuringARunIsFoldedIntoItsVersion() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            let late = UserID.random()
            let seen = scenario.video(0)
            let batch = scenario.batch {
                _ = try await scenario.selfie(late, .new, watching: scenario.video(3), rating: 1)
                _ = try await scenario.selfie(people[0], watching: seen, rating: 0, session: "late")
            }
            _ = try await batch.run()
            #expect(try await scenario.count("top", "user_id = '\(late)'") == 10)
            #expect(try await scenario.count("top", "user_id = '\(people[0])' AND video = '\(seen)'") == 0)
            #expect(try await scenario.selfie(late).recommendations.count(.collaborative) == 3)
        }
    }

    @Test func nobodyRollsBackUnderABatch() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            try await store.database.query("SELECT nextval('recommender.changes')")
            let batch = scenario.batch {
                await #expect(throws: Versions.RollbackError.batchRuns) { try await Versions(store).rollBack(to: 1) }
            }
            #expect(try await batch.run() == .published(version: 2, rows: 160))
        }
    }

    /// The training would take hours.
    @Test func aStopInTheMidstOfATrainingEndsIt() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            let batch = scenario.batch(rank: 256, iterations: 100_000_000)
            let running = Task { try await batch.run() }
            try await eventually { try await scenario.count("summaries") > 0 }
            running.cancel()
            await #expect(throws: (any Error).self) { try await running.value }
            #expect(try await scenario.count("versions") == 0)
        }
    }

    @Test func aRunThatFailsChangesNothing() async throws {
        struct Stop: Error {}
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            _ = try await scenario.selfie(people[0], watching: scenario.video(77), rating: 1)
            await #expect(throws: Stop.self) { try await scenario.batch { throw Stop() }.run() }
            // In the midst of publication: the rows cannot be written.
            let database = store.database
            let failing = scenario.batch {
                try await database.withConnection { connection in
                    try connection.script("ALTER TABLE recommender.top ADD CONSTRAINT none CHECK (version < 2)")
                }
            }
            await #expect(throws: DatabaseError.self) { try await failing.run() }
            #expect(try await Versions(store).all().map(\.number) == [1])
            #expect(try await scenario.count("models") == 1)
            #expect(try await scenario.selfie(people[0]).version == 1)
            try await database.query("ALTER TABLE recommender.top DROP CONSTRAINT none")
            #expect(try await scenario.batch().run() == .published(version: 2, rows: 160))
        }
    }

    @Test func aConnectionLostDuringARunChangesNothing() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            let database = store.database
            let batch = scenario.batch {
                try await database.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)
            }
            // The publication's connection is made anew; the lock's is gone, so the run may end either way, but whole.
            _ = try? await batch.run()
            let versions = try await Versions(store).all().count
            #expect(try await scenario.count("models") == versions)
            #expect(try await scenario.count("top") == versions * 160)
        }
    }

    @Test func oneWorkerAtATimeRuns() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            let batch = scenario.batch {
                let other = try await scenario.batch().run()
                #expect(other == .elsewhere)
            }
            #expect(try await batch.run() == .published(version: 1, rows: 160))
        }
    }

    /// Whichever worker looks, however many there are.
    @Test func oneRunAnIntervalBeginsInAllWorkers() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            let hour = Duration.seconds(3600)
            #expect(try await scenario.batch(interval: hour).run() == .published(version: 1, rows: 160))
            for _ in 0..<2 {
                try await scenario.change()
                guard case .early(let wait) = try await scenario.batch(interval: hour).run() else {
                    Issue.record("a second run began at once")
                    return
                }
                #expect(wait > .seconds(3000) && wait <= hour)
            }
            // Runs that end badly count too.
            func age() async throws {
                try await store.database.query("UPDATE recommender.batch SET began_at = now() - interval '61 minutes'")
            }
            struct Stop: Error {}
            try await age()
            await #expect(throws: Stop.self) { try await scenario.batch(interval: hour) { throw Stop() }.run() }
            guard case .early = try await scenario.batch(interval: hour).run() else {
                Issue.record("a second run began at once")
                return
            }
            try await age()
            #expect(try await scenario.batch(interval: hour).run() == .published(version: 2, rows: 160))
        }
    }

    @Test func theLoopsOfSeveralWorkersKeepOneInterval() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            let (begins, continuation) = AsyncStream.makeStream(of: Date.self)
            let batch = scenario.batch(interval: .milliseconds(200)) {
                continuation.yield(
                    try await store.database.query("SELECT began_at FROM recommender.batch")[0].decode("began_at"))
                try await scenario.change()
            }
            try await testGracefulShutdown { trigger in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 {
                        group.addTask { try await BatchLoop(batch, logger: TestDatabase.silence).run() }
                    }
                    var last: Date?
                    for await begin in begins.prefix(4) {
                        if let last { #expect(begin.timeIntervalSince(last) > 0.199) }
                        last = begin
                    }
                    trigger.triggerGracefulShutdown()
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test func theLoopRunsUntilShutdown() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            let (published, continuation) = AsyncStream.makeStream(of: Void.self)
            let batch = scenario.batch(interval: .milliseconds(20)) { continuation.yield() }
            try await testGracefulShutdown { trigger in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await BatchLoop(batch, logger: TestDatabase.silence).run()
                    }
                    for await _ in published { break }
                    try await eventually { try await scenario.count("versions") > 0 }
                    trigger.triggerGracefulShutdown()
                    try await group.waitForAll()
                }
            }
            #expect(try await Versions(store).all().map(\.number) == [1])
        }
    }
}
