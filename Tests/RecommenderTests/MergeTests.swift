import Database
import DatabaseTesting
import Foundation
import Messages
import Recommender
import Testing

/// Users who are one person, and are two again.
@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct MergeTests {
    private func merge(
        _ people: [UsersMerged.Person], sequence: Int64, _ scenario: Scenario
    ) async throws {
        let merged = UsersMerged(people: people, sequence: sequence)
        #expect(try await scenario.send(merged, .merge).fact as? UsersMerged == merged)
    }

    private func videos(_ user: UserID, _ scenario: Scenario) async throws -> [[VideoID]] {
        let record = try #require(try await scenario.record(user))
        return [record.watched.map(\.videoId), record.chosen.map(\.videoId), record.feedback.map(\.videoId)]
    }

    @Test func whatIsKeptOfBothIsJoinedAndFoldedInAtOnceAndPartedAgain() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            let (user, other) = (UserID.random(), UserID.random())
            _ = try await scenario.selfie(user, .new)
            _ = try await scenario.click(user, scenario.video(200))
            _ = try await scenario.selfie(other, watching: scenario.video(100), rating: 1)
            _ = try await scenario.say(.notForMe, other, scenario.video(101))
            let apart = try await [videos(user, scenario), videos(other, scenario)]
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 0)

            try await merge([.init(user: user, merged: [other])], sequence: 1, scenario)
            let joined = [[scenario.video(100)], [scenario.video(200)], [scenario.video(101)]]
            // Whichever id is asked about.
            for id in [user, other] {
                #expect(try await videos(id, scenario) == joined)
                let list = try #require(try await scenario.list(id).fact as? RecommendationsListed)
                #expect(list.user == id)
                #expect(list.recommendations.count(.collaborative) == 3)
                #expect(Set(joined.joined()).isDisjoint(with: list.recommendations.videos))
            }
            #expect(try await scenario.count("top", "user_id = '\(other)'") == 0)
            // What comes of either is the person's.
            _ = try await scenario.click(other, scenario.video(201))
            _ = try await scenario.selfie(other, watching: scenario.video(202), rating: 1)
            #expect(try await videos(user, scenario)[1] == [scenario.video(200), scenario.video(201)])
            // A batch takes them for one person.
            _ = try await scenario.batch().run()
            #expect(try await scenario.count("top", "user_id = '\(user)'") > 0)
            #expect(try await scenario.count("top", "user_id = '\(other)'") == 0)

            try await merge([.init(user: user, merged: []), .init(user: other, merged: [])], sequence: 2, scenario)
            #expect(try await videos(other, scenario) == apart[1])
            let left = try await videos(user, scenario)
            #expect(left == [[scenario.video(202)], [scenario.video(200), scenario.video(201)], []])
            let list = try #require(try await scenario.list(other).fact as? RecommendationsListed)
            #expect(list.recommendations.count(.collaborative) == 3)
        }
    }

    /// The same video, in a playing of the same name, with another word on it.
    @Test func bothMayHaveDoneTheSame() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (user, other, video) = (UserID.random(), UserID.random(), scenario.video(0))
            for (person, kind) in [(user, FeedbackKind.like), (other, .notForMe)] {
                _ = try await scenario.selfie(person, watching: video, rating: 1)
                _ = try await scenario.say(kind, person, video)
            }
            #expect(try await scenario.people(whoChose: video) == 2)
            try await merge([.init(user: user, merged: [other])], sequence: 1, scenario)
            #expect(try await scenario.people(whoChose: video) == 1)
            #expect(try await videos(user, scenario) == [[video, video], [], [video, video]])
            // The same playing goes on: it is the person's own that may rise, once.
            _ = try await scenario.selfie(user, watching: video, rating: 1)
            #expect(try await scenario.count("reactions") == 2)
            try await merge([.init(user: user, merged: []), .init(user: other, merged: [])], sequence: 2, scenario)
            #expect(try await scenario.people(whoChose: video) == 2)
            #expect(try await scenario.record(other)?.feedback.map(\.kind) == [.notForMe])
            #expect(try await scenario.record(user)?.feedback.map(\.kind) == [.like])

            // A later word of the person's stands for both.
            try await merge([.init(user: user, merged: [other])], sequence: 3, scenario)
            _ = try await scenario.say(.like, other, video)
            #expect(try await scenario.record(user)?.feedback.map(\.kind) == [.like])
            _ = try await scenario.say(nil, user, video)
            #expect(try await scenario.count("feedback") == 0)
        }
    }

    @Test func theSameAgainAndWhatWasOvertakenChangeNothing() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (user, other) = (UserID.random(), UserID.random())
            for person in [user, other] {
                _ = try await scenario.selfie(person, watching: scenario.video(0), rating: 1)
            }
            func changes() async throws -> Int {
                try await store.database.query("SELECT last_value AS n FROM recommender.changes")[0].decode("n")
            }
            let apart = [UsersMerged.Person(user: user, merged: []), .init(user: other, merged: [])]
            try await merge([.init(user: user, merged: [other])], sequence: 5, scenario)
            let change = try await changes()
            try await merge([.init(user: user, merged: [other])], sequence: 5, scenario)
            try await merge(apart, sequence: 4, scenario)
            #expect(try await changes() == change)
            #expect(try await videos(other, scenario)[0].count == 2)
            try await merge(apart, sequence: 6, scenario)
            try await merge([.init(user: user, merged: [other])], sequence: 5, scenario)
            #expect(try await videos(other, scenario)[0].count == 1)
        }
    }

    @Test func whoeverIsErasedGoesUnderAllTheirIds() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (user, other, bystander) = (UserID.random(), UserID.random(), UserID.random())
            for person in [user, other, bystander] {
                _ = try await scenario.selfie(person, watching: scenario.video(0), rating: 1)
            }
            try await merge([.init(user: user, merged: [other])], sequence: 1, scenario)
            let erased = try #require(
                try await scenario.send(ErasureRequested(user: other), .erasure).fact as? ErasureRequested)
            #expect(Set(erased.users) == [user, other] && Set(erased.known) == [user, other])
            for table in ["people", "reactions"] { #expect(try await scenario.count(table) == 1, "\(table)") }
            #expect(try await scenario.count("aliases") == 0)
            #expect(try await scenario.people(whoChose: scenario.video(0)) == 1)
            // A merge that was under way brings nobody back.
            try await merge([.init(user: bystander, merged: [other])], sequence: 2, scenario)
            #expect(try await scenario.count("aliases", "user_id = '\(other)'") == 0)
            #expect(try await scenario.record(user) == nil)
        }
    }

    /// One of them has only just been met: the recommender has not heard of them.
    @Test func whoIsKnownUnderOneIdIsKnownUnderTheOther() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (user, other) = (UserID.random(), UserID.random())
            _ = try await scenario.selfie(other, mood: .upset, watching: scenario.video(0), rating: 1)
            try await merge([.init(user: user, merged: [other])], sequence: 1, scenario)
            #expect(try await scenario.record(user)?.mood.name == .upset)
            #expect(try await videos(user, scenario)[0] == [scenario.video(0)])
        }
    }
}
