import Broker
import Database
import DatabaseTesting
import Foundation
import Messages
import Recommender
import Testing

@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct RecommenderStageTests {
    @Test(arguments: [Person.Standing.new, .uncertain])
    func anUnknownPersonGetsSixByMood(standing: Person.Standing) async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user: UserID? = standing == .new ? .random() : nil
            let answer = try await scenario.selfie(user, standing, mood: .upset)
            #expect(Set(answer.recommendations.videos).count == 6)
            #expect(answer.recommendations.count(.mood) == 6)
            #expect(answer.recommendations.map(\.rank) == Array(1...6))
            #expect(answer.version == nil)
            for recommendation in answer.recommendations {
                #expect(scenario.catalogue[recommendation.video]?.moods.contains(.upset) == true)
            }
            #expect(try await scenario.count("people") == (standing == .new ? 1 : 0))
        }
    }

    @Test func theVideoPlayingAndThoseSeenAreLeftOut() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = UserID.random()
            var seen: Set<VideoID> = []
            for _ in 0..<8 {
                let list = try await scenario.selfie(user, mood: .neutral, watching: seen.first).recommendations
                #expect(list.count == 6)
                #expect(seen.isDisjoint(with: list.videos))
                _ = try await scenario.click(user, list[0].video)
                seen.insert(list[0].video)
            }
        }
    }

    @Test func aReactionCountsOnceAUserVideoAndSessionAndOnlyRises() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let (user, video, job) = (UserID.random(), scenario.video(3), JobID.random())
            func ratings() async throws -> [Int] {
                try await store.database.query("SELECT rating FROM recommender.reactions ORDER BY session")
                    .map { try $0.decode("rating") }
            }
            _ = try await scenario.selfie(user, .new, watching: video, rating: 0, job: job)
            #expect(try await ratings() == [0])
            _ = try await scenario.selfie(user, .new, watching: video, rating: 0, job: job)
            #expect(try await ratings() == [0])
            _ = try await scenario.selfie(user, watching: video, rating: 1)
            #expect(try await ratings() == [1])
            _ = try await scenario.selfie(user, watching: video, rating: 0)
            #expect(try await ratings() == [1])
            _ = try await scenario.selfie(user, watching: video, rating: 1, session: "t")
            #expect(try await ratings() == [1, 1])
            // 0, its rise, and the second session; the repetitions are no change.
            let change: Int = try await store.database.query("SELECT last_value AS n FROM recommender.changes")[0]
                .decode("n")
            #expect(change == 3)
        }
    }

    @Test func nothingIsStoredForTheUncertainOrForUnknownVideos() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = UserID.random()
            let uncertain = try await scenario.selfie(nil, .uncertain, watching: scenario.video(0), rating: 1)
            #expect(uncertain.reaction == .unknownPerson)
            let unknown = try await scenario.selfie(.random(), watching: VideoID("___________"), rating: 1)
            #expect(unknown.reaction == .unknownVideo)
            #expect(try await scenario.count("reactions") == 0)
            // A repetition, which changes nothing, is stored as much as the first time.
            for _ in 1...2 {
                let known = try await scenario.selfie(user, watching: scenario.video(0), rating: 1)
                #expect(known.reaction == .stored)
            }
            #expect(try await scenario.selfie(user).reaction == nil)
        }
    }

    @Test func threeAreCollaborativeOnceThereIsAVersion() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            #expect(try await scenario.batch().run() == .published(version: 1, rows: 16 * 10))
            for (index, user) in people.enumerated() {
                let answer = try await scenario.selfie(user)
                let collaborative = answer.recommendations.prefix(3)
                #expect(collaborative.allSatisfy { $0.source == .collaborative })
                #expect(answer.recommendations.count(.mood) == 3)
                #expect(Set(answer.recommendations.videos).count == 6)
                #expect(answer.version == 1)
                let group = Set((0..<12).map { scenario.video(index % 2 * 100 + $0) })
                #expect(group.contains(collaborative[0].video))
                #expect(try #require(collaborative[0].because).count == 3)
                #expect(collaborative[0].because.map { group.isSuperset(of: $0) } == true)
            }
            let list = try #require(try await scenario.list(people[0]).fact as? RecommendationsListed)
            #expect(list.version == 1)
            #expect(list.recommendations.count(.collaborative) == 3)
        }
    }

    @Test func aNewRatingChangesThePersonsRowsAtOnce() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            let user = UserID.random()
            _ = try await scenario.selfie(user, .new)
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 0)
            _ = try await scenario.selfie(user, watching: scenario.video(100), rating: 1)
            let after = try await scenario.selfie(user).recommendations
            let group = Set((1..<12).map { scenario.video(100 + $0) })
            #expect(after.count(.collaborative) == 3)
            #expect(group.isSuperset(of: after.prefix(3).map(\.video)))
            let reason = scenario.catalogue.entries[100].video
            #expect(after[0].because == [reason.id])
            #expect(after[0].becauseTitles == [reason.title])
            // A click on what was recommended is folded in as well, and takes the video from the list.
            _ = try await scenario.click(user, after[0].video)
            #expect(try await !scenario.selfie(user).recommendations.videos.contains(after[0].video))
        }
    }

    @Test func fillsByPopularityAndThenByWhatWasSeenLongestAgo() async throws {
        try await TestDatabase.with { database in
            let store = Store(database: database, rows: 5)
            let lines = (0..<7).map { "abcdefghij\($0),Video \($0),,happy,\($0 == 0 ? "calm" : "loud")\n" }
            let catalogue = try Catalogue(csv: Array(("id,title,channel,moods,keywords\n" + lines.joined()).utf8))
            try await store.prepare(catalogue)
            let words = Dictionary(uniqueKeysWithValues: MoodName.allCases.map { ($0, ["calm"]) })
            let stage = RecommenderStage(
                store: store, catalogue: catalogue, keywords: try #require(MoodKeywords(words)), asksYouTube: false,
                logger: TestDatabase.silence)
            let scenario = Scenario(store: store, stage: stage, catalogue: catalogue)
            for _ in 0..<2 { _ = try await scenario.selfie(.random(), watching: scenario.video(5), rating: 1) }
            _ = try await scenario.selfie(.random(), watching: scenario.video(2), rating: 1)

            let user = UserID.random()
            let first = try await scenario.selfie(user).recommendations
            #expect(first.map(\.source) == [.mood, .popular, .popular, .popular, .popular, .popular])
            #expect(first.videos.prefix(3) == [scenario.video(0), scenario.video(5), scenario.video(2)])
            #expect(first[1].score == 2)

            for index in [4, 3, 1] { _ = try await scenario.click(user, scenario.video(index)) }
            let second = try await scenario.selfie(user, watching: scenario.video(6)).recommendations
            // Unseen 0, 5, 2; then seen, the longest ago first; never the one playing.
            #expect(second.videos == [0, 5, 2, 4, 3, 1].map(scenario.video))
        }
    }

    @Test func clicksOnWhatIsUnknownFail() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = UserID.random()
            #expect(try await scenario.click(user, scenario.video(0)).failure?.kind == .unknownUser)
            #expect(try await scenario.list(user).failure?.kind == .unknownUser)
            _ = try await scenario.selfie(user, .new)
            let unknown = try #require(VideoID("___________"))
            #expect(try await scenario.click(user, unknown).failure?.kind == .unknownVideo)
            let job = JobID.random()
            for _ in 0..<2 {
                let recorded = try await scenario.click(user, scenario.video(0), job: job).fact as? ClickRecorded
                #expect(recorded == ClickRecorded(user: user, video: scenario.video(0)))
            }
            #expect(try await scenario.count("clicks") == 1)
        }
    }

    @Test func erasureLeavesNothingAndNothingComesBack() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            _ = try await scenario.click(people[0], scenario.video(50))
            _ = try await scenario.batch().run()
            for _ in 0..<2 {
                let erased =
                    try await scenario.send(ErasureRequested(user: people[0]), .erasure).fact as? ErasureRequested
                #expect(erased?.users == [people[0]])
            }
            #expect(try await scenario.list(people[0]).failure?.kind == .unknownUser)
            // A selfie that was under way when the user was erased is answered, and stores nothing.
            let late = try await scenario.selfie(people[0], watching: scenario.video(1), rating: 1)
            #expect(late.recommendations.count(.mood) == 6)
            #expect(late.person.reason == .erasedMeanwhile && late.person.user == nil)
            #expect(try await scenario.click(people[0], scenario.video(1)).failure?.kind == .unknownUser)
            _ = try await scenario.batch().run()
            for table in ["people", "reactions", "clicks", "top", "erased", "versions", "models", "items", "youtube"] {
                #expect(try await scenario.count(table, "\(table)::text LIKE '%\(people[0])%'") == 0, "\(table)")
            }
            #expect(try await scenario.count("erased") == 1)
            #expect(try await scenario.count("people") == 15)
        }
    }

    @Test func whatDoesNotBelongHereIsUnreadable() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let wrong = try await scenario.send(UserRequested(user: .random()), .click)
            guard case .unreadable = wrong else { return #expect(Bool(false), "\(wrong)") }
            let strange = try await scenario.send(UserRequested(user: .random()), .user)
            guard case .unreadable = strange else { return #expect(Bool(false), "\(strange)") }
        }
    }

    @Test func whoWantsToCheerUpGetsVideosOfHappyPeople() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = UserID.random()
            func moods(_ list: [Recommendation]) -> [Set<MoodName>] {
                list.videos.map { scenario.catalogue[$0]?.moods ?? [] }
            }
            for person in [user, nil] {
                let lifted = try await scenario.selfie(person, mood: .upset, want: .lift).recommendations
                #expect(lifted.count(.mood) == 6 && moods(lifted).allSatisfy { $0.contains(.happy) })
                let matched = try await scenario.selfie(person, mood: .upset, want: .match).recommendations
                #expect(matched.count(.mood) == 6 && moods(matched).allSatisfy { $0.contains(.upset) })
            }
            // What they look like stays what is remembered.
            let plain = try #require(try await scenario.list(user).fact as? RecommendationsListed)
            #expect(moods(plain.recommendations).allSatisfy { $0.contains(.upset) })
            let lifted = try #require(try await scenario.list(user, want: .lift).fact as? RecommendationsListed)
            #expect(moods(lifted.recommendations).allSatisfy { $0.contains(.happy) })
        }
    }

    @Test func tellsAllThatIsKeptOfAPerson() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            let user = UserID.random()
            #expect(try await scenario.record(user) == nil)
            func named(_ index: Int) -> NamedVideo {
                let video = scenario.catalogue.entries[index].video
                return NamedVideo(video.id, title: video.title)
            }
            let said = Date(timeIntervalSince1970: 1_800_000_000)
            _ = try await scenario.selfie(user, .new, mood: .upset)
            _ = try await scenario.selfie(user, mood: .happy, watching: scenario.video(0), rating: 1)
            _ = try await scenario.selfie(user, mood: .happy, watching: scenario.video(1), rating: 0)
            _ = try await scenario.click(user, scenario.video(2))
            _ = try await scenario.say(.notForMe, user, scenario.video(3), submitted: said)
            let record = try #require(try await scenario.record(user))
            #expect(record.mood.name == .happy && abs(record.mood.at.timeIntervalSinceNow) < 60)
            let moments = (record.watched.map(\.at), record.chosen.map(\.at))
            #expect(moments.0.count == 2 && moments.1.count == 1 && moments.0 == moments.0.sorted())
            #expect(record.watched.map { NamedVideo($0.videoId, title: $0.title) } == [named(0), named(1)])
            #expect(record.watched.map(\.rating) == [1, 0])
            #expect(record.chosen.map { NamedVideo($0.videoId, title: $0.title) } == [named(2)])
            #expect(record.feedback == [ViewerRecord.Said(named(3), .notForMe, at: said)])
            #expect(record.version == nil)

            _ = try await scenario.batch().run()
            #expect(try await scenario.record(user)?.version == 1)
            #expect(try await scenario.record(people[0])?.watched.count == 8)
        }
    }

    @Test func aLostDatabaseIsWaitedFor() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            await store.database.close()
            #expect(try await scenario.list(.random()).unavailable?.kind == .unavailable)
        }
    }

    @Test func whatYouTubeFoundGoesBeforeTheCatalogue() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store, asksYouTube: true)
            let ids = try (0..<4).map { try #require(VideoID("yt_________\($0)".suffix(11).description)) }
            let videos = ids.map { Video(id: $0, title: "Found \($0)") }
            try await store.database.query(
                """
                INSERT INTO recommender.youtube (query, asked_at, found_at, videos) VALUES ($1, now(), now(), $2)
                """, .text("upbeat"), .json(try JSONEncoder().encode(videos)))
            let list = try await scenario.selfie(nil, .uncertain, mood: .happy).recommendations
            #expect(Set(list.prefix(4).map(\.video)) == Set(ids))
            #expect(list.count == 6)
            #expect(list.count(.mood) == 6)
        }
    }
}
