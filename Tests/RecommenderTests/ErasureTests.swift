import Database
import DatabaseTesting
import Foundation
import Messages
import Testing

@testable import Recommender

@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct ErasureTests {
    private func changes(_ store: Store) async throws -> Int {
        try await store.database.query("SELECT last_value AS n FROM recommender.changes")[0].decode("n")
    }

    private func erase(_ request: ErasureRequested, _ scenario: Scenario) async throws -> ErasureRequested {
        try #require(try await scenario.send(request, .erasure).fact as? ErasureRequested)
    }

    @Test func anIdThatNobodyWasGivenLeavesNoTraceAndIsNoChange() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            let (rows, change) = (try await TestDatabase.rowCounts(store.database), try await changes(store))
            let stranger = UserID.random()
            #expect(try await erase(ErasureRequested(user: stranger), scenario).known == [])
            #expect(try await TestDatabase.rowCounts(store.database) == rows)
            #expect(try await changes(store) == change)
        }
    }

    /// Identity knew them; the picture that it knew them by has not come here yet.
    @Test func whoIsErasedWhileTheirFirstPictureIsUnderWayStaysErased() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = UserID.random()
            #expect(try await erase(ErasureRequested(users: [user], known: [user]), scenario).known == [user])
            let late = try await scenario.selfie(user, .new, watching: scenario.video(1), rating: 1)
            #expect(late.person == Person(standing: .uncertain, user: nil, distance: nil, reason: .erasedMeanwhile))
            #expect(late.recommendations.count == 6)
            for table in ["people", "reactions"] { #expect(try await scenario.count(table) == 0, "\(table)") }
            #expect(try await scenario.count("erased") == 1)
        }
    }

    /// Whatever table names people: also one that is added and forgotten here.
    @Test func nothingStaysInAnyTable() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            _ = try await scenario.click(people[0], scenario.video(50))
            for (kind, index) in [(FeedbackKind.like, 51), (.notForMe, 52)] {
                _ = try await scenario.say(kind, people[0], scenario.video(index))
            }
            _ = try await scenario.batch().run()
            _ = try await scenario.send(
                UsersMerged(people: [.init(user: people[0], merged: [.random()])], sequence: 1), .merge)
            _ = try await scenario.batch().run()
            let tables = try await store.database.query(
                """
                SELECT relname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                WHERE relnamespace = 'recommender'::regnamespace AND attname = 'user_id' AND relkind IN ('r', 'p')
                    AND NOT relispartition
                """
            ).map { try $0.decode("name", as: String.self) }
            #expect(Set(tables).isSuperset(of: ["people", "reactions", "clicks", "feedback", "summaries", "top"]))
            for table in tables {
                #expect(try await scenario.count(table, "user_id = '\(people[0])'") > 0, "\(table)")
            }
            _ = try await erase(ErasureRequested(user: people[0]), scenario)
            for table in tables {
                #expect(try await scenario.count(table, "user_id = '\(people[0])'") == 0, "\(table)")
            }
            #expect(try await scenario.record(people[0]) == nil)
        }
    }

    @Test func everyProfileOfARequestGoes() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            let change = try await changes(store)
            let request = ErasureRequested(users: [people[3], .random(), people[0]], known: [people[0]])
            #expect(Set(try await erase(request, scenario).known) == [people[0], people[3]])
            #expect(try await scenario.count("people") == 14)
            #expect(try await scenario.count("erased") == 2)
            #expect(try await changes(store) == change + 2)
        }
    }

    @Test func anErasureIsForgottenOnceNoJobCanBeAboutIt() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = UserID.random()
            _ = try await scenario.selfie(user)
            _ = try await erase(ErasureRequested(user: user), scenario)
            try await store.forgetErasures()
            #expect(try await scenario.count("erased") == 1)

            let age = Double(JobHeader.longestLife.components.seconds + 1)
            try await store.database.query(
                "UPDATE recommender.erased SET at = at - make_interval(secs => $1)", .double(age))
            try await store.forgetErasures()
            #expect(try await scenario.count("erased") == 0)
            // A picture from that time, should there be one, stores nothing all the same.
            let late = try await scenario.selfie(user, submitted: .now - age)
            #expect(late.person.reason == .erasedMeanwhile)
            #expect(try await scenario.count("people") == 0)
        }
    }
}
