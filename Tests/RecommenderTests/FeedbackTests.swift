import Database
import DatabaseTesting
import Foundation
import Messages
import Recommender
import Testing

/// What people say of videos, and what it changes.
@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct FeedbackTests {
    @Test func aLikeIsFoldedInAtOnceAndTakenBack() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            let user = UserID.random()
            _ = try await scenario.selfie(user, .new)
            let said = FeedbackGiven(user: user, video: scenario.video(100), kind: .like)
            #expect(try await scenario.say(.like, user, said.video).fact as? FeedbackGiven == said)
            let liked = try await scenario.selfie(user).recommendations
            let group = Set((1..<12).map { scenario.video(100 + $0) })
            #expect(liked.count(.collaborative) == 3 && group.isSuperset(of: liked.prefix(3).map(\.video)))
            #expect(liked[0].because == [said.video])

            _ = try await scenario.say(nil, user, said.video)
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 0)
            #expect(try await scenario.count("feedback") == 0)
        }
    }

    /// By rows of a version, by mood, by popularity, and even when nothing else is left.
    @Test func whatIsNotForSomebodyNeverComesAgain() async throws {
        try await TestDatabase.with { database in
            let store = Store(database: database, rows: 5)
            let lines = (0..<7).map { "abcdefghij\($0),Video \($0),,happy,calm\n" }
            let catalogue = try Catalogue(csv: Array(("id,title,channel,moods,keywords\n" + lines.joined()).utf8))
            try await store.prepare(catalogue)
            let words = Dictionary(uniqueKeysWithValues: MoodName.allCases.map { ($0, ["calm"]) })
            let stage = RecommenderStage(
                store: store, catalogue: catalogue, keywords: try #require(MoodKeywords(words)), asksYouTube: false,
                logger: TestDatabase.silence)
            let scenario = Scenario(store: store, stage: stage, catalogue: catalogue)
            for _ in 0..<4 {
                let other = UserID.random()
                for index in 0..<6 { _ = try await scenario.selfie(other, watching: scenario.video(index), rating: 1) }
            }
            let user = UserID.random()
            _ = try await scenario.selfie(user, watching: scenario.video(0), rating: 1)
            _ = try await scenario.say(.notForMe, user, scenario.video(1))
            _ = try await scenario.batch(rank: 2).run()
            for index in 2..<7 {
                #expect(try await !scenario.selfie(user).recommendations.videos.contains(scenario.video(1)))
                _ = try await scenario.click(user, scenario.video(index))
            }
            // All has been seen: what was seen longest ago comes back, and that alone.
            let list = try await scenario.selfie(user).recommendations
            #expect(Set(list.videos) == Set([0, 2, 3, 4, 5, 6].map { scenario.video($0) }))
        }
    }

    @Test func theLaterWordCountsAndOutweighsWhatWasDone() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            let (user, video) = (UserID.random(), scenario.video(100))
            _ = try await scenario.selfie(user, watching: video, rating: 1)
            _ = try await scenario.say(.like, user, video)
            _ = try await scenario.batch().run()
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 3)
            // Enjoyed and liked, and not for them after all: nothing of it speaks for other videos any more.
            _ = try await scenario.say(.notForMe, user, video)
            #expect(try await scenario.count("feedback", "kind = 'not_for_me'") == 1)
            #expect(try await scenario.count("feedback") == 1)
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 0)
            _ = try await scenario.batch().run()
            #expect(try await scenario.count("top", "user_id = '\(user)'") == 0)
            _ = try await scenario.say(nil, user, video)
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 3)
        }
    }

    @Test func aLikeWeighsWhatTheSettingSays() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = UserID.random()
            _ = try await scenario.selfie(user, watching: scenario.video(1), rating: 1)
            _ = try await scenario.say(.like, user, scenario.video(0))
            for like in [Float(2), 5] {
                let other = try Scenario(Store(database: store.database, weights: RatingWeights(like: like), rows: 5))
                try await other.change()
                _ = try await other.batch(rank: 1).run()
                let rows = try await store.database.query("SELECT ratings FROM recommender.summaries")
                let summed = try rows.map { row in
                    try row.decode("ratings", as: Data.self).withUnsafeBytes { Set($0.bindMemory(to: Float.self)) }
                }
                #expect(summed == [[1, like]])
            }
        }
    }

    @Test func theSameAgainIsNoChangeAndAnEarlierWordThatComesLateIsNone() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (user, video) = (UserID.random(), scenario.video(0))
            _ = try await scenario.selfie(user, .new)
            func changes() async throws -> Int {
                try await store.database.query("SELECT last_value AS n FROM recommender.changes")[0].decode("n")
            }
            let now = Date.now
            for _ in 0..<2 { _ = try await scenario.say(.like, user, video, submitted: now) }
            #expect(try await changes() == 1)
            for kind in [FeedbackKind.notForMe, nil] {
                _ = try await scenario.say(kind, user, video, submitted: now - 5)
                #expect(try await changes() == 1)
                #expect(try await scenario.count("feedback", "kind = 'like'") == 1)
            }
            for _ in 0..<2 { _ = try await scenario.say(nil, user, video) }
            #expect(try await changes() == 2)
        }
    }

    @Test func whoLikesIsCountedAmongThoseWhoChose() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (user, other, video) = (UserID.random(), UserID.random(), scenario.video(0))
            for person in [user, other] { _ = try await scenario.selfie(person, .new) }
            _ = try await scenario.say(.like, user, video)
            #expect(try await scenario.people(whoChose: video) == 1)
            _ = try await scenario.click(other, video)
            _ = try await scenario.say(.like, other, video)
            #expect(try await scenario.people(whoChose: video) == 2)
            // A click stays a choice; a like alone does not outlive itself.
            for person in [user, other] { _ = try await scenario.say(.notForMe, person, video) }
            #expect(try await scenario.people(whoChose: video) == 1)
            _ = try await scenario.say(.like, user, video)
            _ = try await scenario.selfie(user, watching: video, rating: 1)
            #expect(try await scenario.people(whoChose: video) == 2)
            _ = try await scenario.send(ErasureRequested(users: [user, other]), .erasure)
            #expect(try await scenario.people(whoChose: video) == 0)
            #expect(try await scenario.count("feedback") == 0)
        }
    }

    @Test func nothingIsSaidByNobodyOrOfNothing() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = UserID.random()
            let unknown = try #require(VideoID("___________"))
            for kind in [FeedbackKind.like, .notForMe, nil] {
                #expect(try await scenario.say(kind, user, scenario.video(0)).failure?.kind == .unknownUser)
            }
            _ = try await scenario.selfie(user, .new)
            for kind in [FeedbackKind.like, .notForMe, nil] {
                #expect(try await scenario.say(kind, user, unknown).failure?.kind == .unknownVideo)
            }
            #expect(try await scenario.count("feedback") == 0)
        }
    }
}
