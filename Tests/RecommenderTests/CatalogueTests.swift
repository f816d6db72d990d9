import Foundation
import Messages
import Recommender
import Testing

@Suite(.timeLimit(.minutes(5))) struct CatalogueTests {
    @Test func theBundledOneHasEnoughForEveryMood() throws {
        let catalogue = try Catalogue.bundled()
        #expect(catalogue.entries.count == 281)
        for mood in MoodName.allCases {
            #expect(catalogue.entries.count { $0.moods.contains(mood) } >= 80)
        }
        let id = try #require(VideoID("gf6v59c5yuY"))
        let guzheng = try #require(catalogue[id])
        #expect(guzheng.video.title == "Hotel California - Reimagined on the Traditional Chinese Guzheng")
    }

    @Test(arguments: [
        ("id,title\n", Catalogue.InvalidFile.columns),
        ("", .columns),
        ("id,title,channel,moods,keywords\nshort,T,C,happy,calm\n", .record(1)),
        ("id,title,channel,moods,keywords\ngf6v59c5yuY,T,C,joyful,calm\n", .record(1)),
        ("id,title,channel,moods,keywords\ngf6v59c5yuY,T,C,happy\n", .record(1)),
    ])
    func refusesOtherFiles(csv: String, error: Catalogue.InvalidFile) {
        #expect(throws: error) { try Catalogue(csv: Array(csv.utf8)) }
    }

    @Test func refusesAVideoTwice() throws {
        let line = "gf6v59c5yuY,T,C,happy,calm\n"
        let id = try #require(VideoID("gf6v59c5yuY"))
        #expect(throws: Catalogue.InvalidFile.duplicate(id)) {
            try Catalogue(csv: Array(("id,title,channel,moods,keywords\n" + line + line).utf8))
        }
    }

    @Test func searchesKeywordsThenTitlesAndPrefersTheMood() throws {
        let catalogue = try Catalogue.bundled()
        let calm = catalogue.search("Calm", mood: .upset)
        #expect(!calm.isEmpty)
        #expect(calm.allSatisfy { catalogue[$0.id]?.keywords.contains("calm") == true })
        #expect(calm.allSatisfy { catalogue[$0.id]?.moods.contains(.upset) == true })
        #expect(catalogue.search("guzheng", mood: .happy).map(\.id.rawValue) == ["gf6v59c5yuY"])
        #expect(catalogue.search("no such word", mood: .happy).isEmpty)
    }
}

@Suite(.timeLimit(.minutes(5))) struct MoodSearchTests {
    private func found(_ mood: MoodName, _ keywords: [String]) throws -> [[Video]] {
        let catalogue = try Catalogue.bundled()
        return keywords.map { catalogue.search($0, mood: mood) }
    }

    @Test func oneSeedAlwaysGetsTheSameAndNothingTwice() throws {
        let found = try found(.happy, ["upbeat", "dance", "comedy", "feel-good"])
        let seed = MoodSearch.Seed(job: .random())
        let chosen = MoodSearch.choose(6, from: found, seed: seed, excluding: [])
        #expect(chosen == MoodSearch.choose(6, from: found, seed: seed, excluding: []))
        #expect(Set(chosen.map(\.id)).count == 6)
    }

    @Test func differentPeopleGetDifferentVideos() throws {
        let found = try found(.upset, ["comforting", "soothing", "hopeful", "cathartic"])
        let day = Date(timeIntervalSince1970: 0)
        let lists = (0..<40).map { _ in
            MoodSearch.choose(3, from: found, seed: .init(user: .random(), day: day), excluding: []).map(\.id)
        }
        #expect(Set(lists).count > 35)
        #expect(Set(lists.joined()).count > 40)
    }

    @Test func aPersonKeepsTheDaysListButForWhatWasSeen() throws {
        let found = try found(.neutral, ["calm", "science", "nature"])
        let seed = MoodSearch.Seed(user: .random(), day: Date(timeIntervalSince1970: 1_000_000))
        let before = MoodSearch.choose(6, from: found, seed: seed, excluding: []).map(\.id)
        let after = MoodSearch.choose(6, from: found, seed: seed, excluding: [before[2]]).map(\.id)
        #expect(!after.contains(before[2]))
        #expect(Set(after).intersection(before).count >= 4)
    }

    @Test func takesTurnsAndGivesWhatThereIs() throws {
        let videos = try (0..<5).map { Video(id: try #require(VideoID("abcdefghij\($0)")), title: "\($0)") }
        let seed = MoodSearch.Seed(job: .random())
        let chosen = MoodSearch.choose(
            6, from: [Array(videos[0..<2]), [], [videos[2]]], seed: seed, excluding: [videos[0].id])
        #expect(Set(chosen) == [videos[1], videos[2]])
        #expect(MoodSearch.choose(6, from: [], seed: seed, excluding: []).isEmpty)
        #expect(MoodSearch.choose(6, from: [videos], seed: seed, excluding: Set(videos.map(\.id))).isEmpty)
    }
}
