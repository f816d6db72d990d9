import AsyncHTTPClient
import Database
import DatabaseTesting
import Foundation
import HTTPTypes
import Hummingbird
import Messages
import Synchronization
import Testing

@testable import Recommender

/// A server that answers as YouTube does, on a port of its own.
final class YouTubeStandIn: Sendable {
    struct Question: Sendable, Hashable {
        var path: String
        var query: [String: String]
        var key: String?
    }

    private struct State {
        var questions: [Question] = []
        var answer: @Sendable (Question) -> (HTTPResponse.Status, String) = { _ in (.ok, #"{"items": []}"#) }
    }

    private let state = Mutex(State())

    var questions: [Question] { state.withLock(\.questions) }

    func answer(_ answer: @escaping @Sendable (Question) -> (HTTPResponse.Status, String)) {
        state.withLock { $0.answer = answer }
    }

    /// Runs the server and gives the body its address.
    func serve<R: Sendable>(_ body: @escaping @Sendable (_ url: String) async throws -> R) async throws -> R {
        let router = Router()
        for path in ["search", "oembed"] {
            router.get(RouterPath(path)) { request, _ in
                let header = HTTPField.Name("X-Goog-Api-Key").flatMap { request.headers[$0] }
                let query = Dictionary(
                    request.uri.queryParameters.map { (String($0.key), String($0.value)) }, uniquingKeysWith: { $1 })
                let question = Question(path: request.uri.path, query: query, key: header)
                let answer = self.state.withLock { state in
                    state.questions.append(question)
                    return state.answer
                }
                let (status, text) = answer(question)
                return Response(status: status, body: .init(byteBuffer: ByteBuffer(string: text)))
            }
        }
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) },
            logger: TestDatabase.silence)
        return try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask {
                try await application.run()
                return nil
            }
            group.addTask {
                for await port in ports { return try await body("http://127.0.0.1:\(port)") }
                return nil
            }
            while let result = try await group.next() {
                if let result {
                    group.cancelAll()
                    return result
                }
            }
            throw CancellationError()
        }
    }
}

@Suite(.timeLimit(.minutes(5))) struct YouTubeSearchTests {
    private func search(_ url: String, timeout: Duration = .seconds(5)) -> YouTubeSearch {
        YouTubeSearch(key: "secret key", url: url, client: .shared, timeout: timeout)
    }

    @Test func asksForEmbeddableVideosAndReadsThem() async throws {
        let server = YouTubeStandIn()
        server.answer { _ in
            (
                .ok,
                """
                {"kind": "youtube#searchListResponse", "items": [
                  {"id": {"kind": "youtube#video", "videoId": "gf6v59c5yuY"},
                   "snippet": {"title": "Rock &amp; Roll &#39;n&#39; &quot;Soul&quot; &amp;lt;"}},
                  {"id": {"kind": "youtube#channel", "channelId": "UC"}, "snippet": {"title": "A channel"}},
                  {"id": {"videoId": "too short"}, "snippet": {"title": "No"}}]}
                """
            )
        }
        let videos = try await server.serve { try await search($0).videos(for: "feel-good & co") }
        #expect(videos == [Video(id: try #require(VideoID("gf6v59c5yuY")), title: "Rock & Roll 'n' \"Soul\" &lt;")])
        let question = try #require(server.questions.first)
        #expect(server.questions.count == 1)
        #expect(question.path == "/search")
        #expect(question.key == "secret key")
        #expect(question.query["q"] == "feel-good & co")
        #expect(question.query["videoEmbeddable"] == "true")
        #expect(question.query["type"] == "video")
        #expect(question.query["part"] == "snippet")
        #expect(question.query["key"] == nil)
    }

    @Test(arguments: [
        (403, #"{"error": {"errors": [{"reason": "quotaExceeded"}]}}"#, YouTubeSearch.Failure.quota),
        (403, #"{"error": {"errors": [{"reason": "rateLimitExceeded"}]}}"#, .quota), (429, "", .quota),
        (403, #"{"error": {"errors": [{"reason": "forbidden"}]}}"#, .key), (400, "{}", .key),
        (500, "", .status(500)), (200, "<html>", .unreadable),
    ])
    func namesWhatWentWrong(status: Int, body: String, failure: YouTubeSearch.Failure) async throws {
        let server = YouTubeStandIn()
        server.answer { _ in (.init(code: status), body) }
        let error = try await server.serve { url in
            await #expect(throws: YouTubeSearch.Failure.self) { try await search(url).videos(for: "calm") }
        }
        #expect(error == failure)
    }

    @Test func nobodyThereIsUnreachable() async throws {
        await #expect {
            try await search("http://127.0.0.1:9", timeout: .milliseconds(300)).videos(for: "calm")
        } throws: { error in
            if case YouTubeSearch.Failure.unreachable = error { true } else { false }
        }
    }

    @Test(arguments: [
        (200, CatalogueCheck.Verdict.embeddable), (401, .notEmbeddable), (404, .missing), (400, .missing),
        (500, .unknown("status 500")),
    ])
    func oEmbedTellsWhetherAVideoIsThere(status: Int, verdict: CatalogueCheck.Verdict) async throws {
        let server = YouTubeStandIn()
        server.answer { _ in (.init(code: status), "{}") }
        let video = Video(id: try #require(VideoID("gf6v59c5yuY")), title: "")
        let found = try await server.serve { url in
            await CatalogueCheck(url: url + "/oembed", client: .shared).ask(about: video)
        }
        #expect(found == verdict)
        #expect(server.questions.first?.query["url"] == "https://www.youtube.com/watch?v=gf6v59c5yuY")
    }
}

@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct YouTubeRefreshTests {
    private static let words: [MoodName: [String]] = [
        .happy: ["dance", "calm"], .surprised: ["space"], .neutral: ["calm"], .upset: ["calm"],
    ]

    private func refresh(_ store: Store, _ url: String, timeout: Duration = .seconds(5)) throws -> YouTubeRefresh {
        YouTubeRefresh(
            search: YouTubeSearch(key: "k", url: url, client: .shared, timeout: timeout),
            keywords: try #require(MoodKeywords(Self.words)), database: store.database, logger: TestDatabase.silence)
    }

    private static let found = #"{"items": [{"id": {"videoId": "yt_found_001"}, "snippet": {"title": "Found"}}]}"#
        .replacing("yt_found_001", with: "yt_found_01")

    @Test func asksAboutEachKeywordOnceADay() async throws {
        try await TestDatabase.withStore { store in
            let server = YouTubeStandIn()
            server.answer { _ in (.ok, Self.found) }
            try await server.serve { url in
                let refresh = try refresh(store, url)
                async let one: Void = refresh.refresh()
                async let other: Void = refresh.refresh()
                _ = try await (one, other)
                #expect(server.questions.compactMap { $0.query["q"] }.sorted() == ["calm", "dance", "space"])
                try await store.database.query(
                    """
                    UPDATE recommender.youtube SET found_at = found_at - interval '25 hours',
                        asked_at = asked_at - interval '25 hours' WHERE query = 'dance'
                    """)
                try await refresh.refresh()
                #expect(server.questions.count == 4)
            }
            // What was found is among the items, so that it can be rated and clicked.
            let scenario = try Scenario(store, keywords: Self.words, asksYouTube: true)
            let list = try await scenario.selfie(.random(), .new, mood: .happy).recommendations
            #expect(list.first?.video.rawValue == "yt_found_01")
            #expect(list.first?.title == "Found")
            #expect(try await scenario.count("items", "video = 'yt_found_01'") == 1)
        }
    }

    @Test func aUsedUpQuotaStopsAllQuestions() async throws {
        try await TestDatabase.withStore { store in
            let server = YouTubeStandIn()
            server.answer { _ in (.forbidden, #"{"error": {"errors": [{"reason": "quotaExceeded"}]}}"#) }
            try await server.serve { url in
                let refresh = try refresh(store, url)
                try await refresh.refresh()
                try await refresh.refresh()
                #expect(server.questions.count == 1)
            }
            // Answers come from the catalogue meanwhile.
            let scenario = try Scenario(store, keywords: Self.words, asksYouTube: true)
            #expect(try await scenario.selfie(nil, .uncertain).recommendations.count(.mood) == 6)
        }
    }

    @Test func aTimeOutIsNoReasonToStop() async throws {
        try await TestDatabase.withStore { store in
            let refresh = try refresh(store, "http://127.0.0.1:9", timeout: .milliseconds(200))
            try await refresh.refresh()
            let scenario = try Scenario(store, keywords: Self.words, asksYouTube: true)
            #expect(try await scenario.count("youtube", "videos IS NULL") == 3)
            #expect(try await scenario.selfie(nil, .uncertain).recommendations.count(.mood) == 6)
        }
    }
}
