import FoundationEssentials
import NIOHTTP1
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Erasures while other things are under way.
extension SuiteTests {
    @Test func aSelfieThatWaitsWhileItsPersonIsErasedMakesNobody() async throws {
        let image = try Photos.biden
        let met = try await client.selfie(image, query: "?as=new").decode(Selfie.self)
        let user = try #require(met.user.id)

        try await suite.signal(SIGSTOP, to: "vision")
        var jobs: [String] = []
        for query in ["", "?as=new"] { jobs.append(try await client.acceptedSelfie(image, query: query)) }
        let erased = try await client.send(.DELETE, "/v1/users/\(user)")
        try await suite.signal(SIGCONT, to: "vision")
        #expect(erased.status == 204, "\(UnexpectedResponse(erased))")

        for job in jobs {
            let person = try #require(try await client.result(of: job).result).user
            #expect(person.status == "uncertain" && person.reason == "erased_meanwhile", "\(person)")
            #expect(person.id == nil)
        }
        let back = try await client.selfie(image, query: "?as=new").decode(Selfie.self)
        #expect(back.user.status == "new")
        #expect(back.user.id != user)
        try await suite.becomesReady()
    }

    @Test func allThatIsKeptIsToldAndErased() async throws {
        struct Kept: Decodable {
            struct Said: Decodable, Equatable {
                var videoId: String
                var title: String
                var kind: String
            }
            struct Template: Decodable { var version: String }
            struct Mood: Decodable { var name: String }
            var templates: [Template]
            var mood: Mood?
            var feedback: [Said]
        }
        let met = try await client.selfie(try Photos.obama, query: "?as=new").decode(Selfie.self)
        let user = try #require(met.user.id)
        let videos = met.recommendations.prefix(2)
        let kinds = ["like", "not_for_me"]
        for (video, kind) in zip(videos, kinds) {
            let body = Data(#"{"video_id": "\#(video.videoId)", "kind": "\#(kind)"}"#.utf8)
            let said = try await client.send(.POST, "/v1/users/\(user)/feedback", body: body)
            #expect(said.status == 204, "\(UnexpectedResponse(said))")
        }
        let kept = try await client.send(.GET, "/v1/users/\(user)").decode(Kept.self)
        #expect(!kept.templates.isEmpty && kept.mood?.name == met.mood.name)
        #expect(
            kept.feedback
                == zip(videos, kinds).map { Kept.Said(videoId: $0.videoId, title: $0.title, kind: $1) })
        let list = try await client.send(.GET, "/v1/users/\(user)/recommendations")
        #expect(!String(decoding: list.body, as: UTF8.self).contains(videos[1].videoId))

        #expect(try await client.send(.DELETE, "/v1/users/\(user)").status == 204)
        #expect(try await client.send(.GET, "/v1/users/\(user)").status == 404)
        let left = try await suite.sql("SELECT count(*) FROM recommender.feedback WHERE user_id = '\(user)'")
        #expect(left == ["0"])
    }

    @Test func deletingIdsThatNobodyWasGivenLeavesNothing() async throws {
        let tables = [
            "identity.erased", "identity.erased_jobs", "recommender.erased", "gateway.erased", "gateway.jobs",
        ]
        let before = try await rowCounts(tables)
        for _ in 1...20 {
            let erased = try await client.send(.DELETE, "/v1/users/\(UUID().uuidString.lowercased())")
            #expect(erased.status == 204, "\(UnexpectedResponse(erased))")
        }
        // What others left may be cleared away meanwhile.
        for (table, (before, after)) in zip(tables, zip(before, try await rowCounts(tables))) {
            #expect(after <= before, "\(table)")
        }
    }

    private func rowCounts(_ tables: [String]) async throws -> [Int] {
        let counts = tables.map { "(SELECT count(*) FROM \($0))" }.joined(separator: ", ")
        return try await suite.sql("SELECT \(counts)").flatMap { $0.split(separator: "|").compactMap { Int($0) } }
    }
}
