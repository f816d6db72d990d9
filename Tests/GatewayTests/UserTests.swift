import Broker
import Foundation
import Gateway
import Hummingbird
import HummingbirdTesting
import HTTPTypes
import Messages
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct UserTests {
    let user = UserID.random()

    /// Stages that know one user.
    func gateway(seen: Seen = Seen()) -> Edge {
        let known = user
        return Scripted.gateway { (message: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
            seen.note(message, header)
            let unknown = Scripted.envelope(Failure(.unknownUser, "Nobody has this id."), header)
            switch message {
            case let asked as UserRequested where asked.user != known: return unknown
            case is UserRequested where header.trip == .user:
                return Scripted.envelope(Example.described(known), header)
            case is UserRequested:
                return Scripted.envelope(
                    RecommendationsListed(user: known, recommendations: Example.list, version: nil), header)
            case let click as VideoClicked where click.user == known:
                return Scripted.envelope(ClickRecorded(user: known, video: click.video), header)
            case let said as FeedbackGiven where said.user == known: return Scripted.envelope(said, header)
            default: return unknown
            }
        }
    }

    func cookie() -> HTTPFields { [.cookie: "mien_user=\(user)"] }

    @Test func describesAUser() async throws {
        try await Scripted.test(gateway()) { client in
            for (uri, headers) in [("/v1/users/\(user)", [:]), ("/v1/users/me", cookie())] as [(String, HTTPFields)] {
                let response = try await client.execute(uri: uri, method: .get, headers: headers)
                #expect(response.status == .ok)
                let body = try #require(
                    try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
                #expect(body["id"] as? String == user.description)
                #expect(body["since"] as? String == "2023-11-14T22:13:20Z")
                #expect(body["faces"] as? Int == 2)
                #expect(
                    (body["templates"] as? [[String: String]])?[1] == [
                        "added": "2023-11-14T22:14:20Z", "version": "identity-10", "by": "enrolment",
                    ])
                #expect(body["mood"] as? [String: String] == ["name": "upset", "at": "2023-11-14T22:14:20Z"])
                let video = ["video_id": "gf6v59c5yuY", "title": "Roar", "at": "2023-11-14T22:14:20Z"]
                #expect(body["chosen"] as? [[String: String]] == [video])
                #expect(
                    body["feedback"] as? [[String: String]] == [video.merging(["kind": "not_for_me"]) { $1 }])
                let watched = try #require((body["watched"] as? [[String: Any]])?.first)
                #expect(watched["rating"] as? Int == 1 && watched["title"] as? String == "Roar")
                #expect(body["merged"] as? [String] == [user.description])
                #expect(body["consent"] as? [String: String] == ["version": "1", "at": "2023-11-14T22:14:20Z"])
                #expect(body["recommendations_version"] as? Int == 7)
            }
        }
    }

    @Test func listsRecommendations() async throws {
        try await Scripted.test(gateway()) { client in
            let response = try await client.execute(uri: "/v1/users/\(user)/recommendations", method: .get)
            let answer = try JSON.decode(RecommendationsAnswer.self, from: Data(response.body.readableBytesView))
            #expect(answer.user.id == user)
            #expect(answer.recommendations.map(\.rank) == [1, 2, 3, 4, 5, 6])
            #expect(String(buffer: response.body).contains(#""because":[{"title":"Roar","video_id":"gf6v59c5yuY"}]"#))
        }
    }

    @Test func unknownAndInvalidIdsAreTold() async throws {
        try await Scripted.test(gateway()) { client in
            for path in [
                "/v1/users/\(UserID.random())", "/v1/users/\(UserID.random())/recommendations", "/v1/users/me",
            ] {
                let response = try await client.execute(uri: path, method: .get)
                #expect(response.status == .notFound)
                #expect(try kind(response) == "unknown-user")
            }
            for path in ["/v1/users/7", "/v1/jobs/..%2f", "/v1/jobs/me"] {
                #expect(try await client.execute(uri: path, method: .get).status == .badRequest)
            }
        }
    }

    @Test func storesClicks() async throws {
        let seen = Seen()
        try await Scripted.test(gateway(seen: seen)) { client in
            let body = ByteBuffer(string: #"{"video_id": "gf6v59c5yuY"}"#)
            for (path, headers) in [("/v1/users/\(user)/clicks", [:]), ("/v1/users/me/clicks", cookie())]
                as [(String, HTTPFields)]
            {
                let response = try await client.execute(uri: path, method: .post, headers: headers, body: body)
                #expect(response.status == .noContent)
            }
        }
        #expect(seen.first as? VideoClicked == VideoClicked(user: user, video: Example.video))
        #expect(Set(seen.jobs).count == 2)
    }

    @Test func storesFeedbackAndTakesItBack() async throws {
        let seen = Seen()
        try await Scripted.test(gateway(seen: seen)) { client in
            for kind in FeedbackKind.allCases {
                let response = try await client.execute(
                    uri: "/v1/users/me/feedback", method: .post, headers: cookie(),
                    body: ByteBuffer(string: #"{"video_id": "gf6v59c5yuY", "kind": "\#(kind.rawValue)"}"#))
                #expect(response.status == .noContent)
            }
            let back = try await client.execute(uri: "/v1/users/\(user)/feedback/gf6v59c5yuY", method: .delete)
            #expect(back.status == .noContent)
        }
        #expect(
            seen.feedback
                == [.like, .notForMe, nil].map { FeedbackGiven(user: user, video: Example.video, kind: $0) })
        #expect(seen.headers.allSatisfy { $0.trip == .feedback })
    }

    @Test(arguments: [
        ("", "example"), ("{", "example"), (#"{"kind": "like"}"#, "example"),
        (#"{"video_id": "gf6v59c5yuY"}"#, "example"),
        (#"{"video_id": "gf6v59c5yuY", "kind": "love"}"#, "like or not_for_me"),
        (#"{"video_id": "short", "kind": "like"}"#, "eleven letters"),
    ])
    func feedbackItCannotReadIsToldWhatToSend(_ body: String, _ sentence: String) async throws {
        try await Scripted.test(gateway()) { client in
            let response = try await client.execute(
                uri: "/v1/users/\(user)/feedback", method: .post, headers: [.contentType: "application/json"],
                body: ByteBuffer(string: body))
            #expect(response.status == .badRequest)
            let expected = sentence == "example" ? #"{\"video_id\": \"gf6v59c5yuY\", \"kind\": \"like\"}"# : sentence
            #expect(String(buffer: response.body).contains(expected))
        }
    }

    @Test func feedbackOfNobodyOrOfNothingIsTold() async throws {
        try await Scripted.test(gateway()) { client in
            let body = ByteBuffer(string: #"{"video_id": "gf6v59c5yuY", "kind": "like"}"#)
            for (method, uri, status, expected) in [
                (.post, "/v1/users/\(UserID.random())/feedback", 404, "unknown-user"),
                (.delete, "/v1/users/\(UserID.random())/feedback/gf6v59c5yuY", 404, "unknown-user"),
                (.post, "/v1/users/me/feedback", 404, "unknown-user"),
                (.post, "/v1/users/7/feedback", 400, "malformed-request"),
                (.delete, "/v1/users/\(user)/feedback/short", 400, "malformed-request"),
            ] as [(HTTPRequest.Method, String, Int, String)] {
                let response = try await client.execute(uri: uri, method: method, body: method == .post ? body : nil)
                #expect(response.status.code == status)
                #expect(try kind(response) == expected)
            }
        }
    }

    @Test(arguments: [
        (#"{"user": "me"}"#, "UUID"), (#"{"id": 7}"#, "user"), ("", "user"),
    ])
    func mergesItCannotReadAreToldWhatToSend(_ body: String, _ sentence: String) async throws {
        try await Scripted.test(gateway()) { client in
            let response = try await client.execute(
                uri: "/v1/users/\(user)/merges", method: .post, headers: [.contentType: "application/json"],
                body: ByteBuffer(string: body))
            #expect(response.status == .badRequest)
            #expect(String(buffer: response.body).contains(sentence))
        }
    }

    @Test func nobodyIsMergedWithThemselves() async throws {
        try await Scripted.test(gateway()) { client in
            for response in [
                try await client.execute(
                    uri: "/v1/users/me/merges", method: .post, headers: cookie(),
                    body: ByteBuffer(string: #"{"user": "\#(user)"}"#)),
                try await client.execute(uri: "/v1/users/\(user)/merges/\(user)", method: .delete),
            ] {
                #expect(response.status == .badRequest)
                #expect(String(buffer: response.body).contains("another one"))
            }
        }
    }

    @Test func recommendationsAreForTheMoodOrAgainstIt() async throws {
        let seen = Seen()
        try await Scripted.test(gateway(seen: seen)) { client in
            for query in ["", "?want=match", "?want=lift"] {
                let uri = "/v1/users/\(user)/recommendations\(query)"
                #expect(try await client.execute(uri: uri, method: .get).status == .ok)
            }
            for query in ["?want=", "?want=laugh", "?want=Lift"] {
                let response = try await client.execute(uri: "/v1/users/\(user)/recommendations\(query)", method: .get)
                #expect(response.status == .badRequest)
                #expect(String(buffer: response.body).contains("match or lift"))
            }
        }
        #expect(seen.wishes == [nil, .match, .lift])
    }

    @Test(arguments: [
        ("", 400), ("{", 400), ("{}", 400), (#"{"video_id": 7}"#, 400), (#"{"video_id": "short"}"#, 400),
        (#"{"video_id": "gf6v59c5yuY", "x": ""# + String(repeating: "a", count: 5000) + "\"}", 413),
    ])
    func refusesClicksItCannotRead(_ body: String, _ status: Int) async throws {
        try await Scripted.test(gateway()) { client in
            let response = try await client.execute(
                uri: "/v1/users/\(user)/clicks", method: .post, body: ByteBuffer(string: body))
            #expect(response.status.code == status)
        }
    }

    @Test func aClickWithoutABodyIsToldWhatToSend() async throws {
        try await Scripted.test(gateway()) { client in
            let response = try await client.execute(
                uri: "/v1/users/\(user)/clicks", method: .post, headers: [.contentType: "application/json"])
            #expect(response.status == .badRequest)
            #expect(String(buffer: response.body).contains("video_id"))
            #expect(!String(buffer: response.body).contains("picture"))
        }
    }

    @Test func aClickIsJSON() async throws {
        try await Scripted.test(gateway()) { client in
            let response = try await client.execute(
                uri: "/v1/users/\(user)/clicks", method: .post, headers: [.contentType: "text/plain"],
                body: ByteBuffer(string: #"{"video_id": "gf6v59c5yuY"}"#))
            #expect(response.status == .unsupportedMediaType)
        }
    }

    @Test func keepsThePapersPaths() async throws {
        let seen = Seen()
        try await Scripted.test(gateway(seen: seen)) { client in
            let data = try await client.execute(uri: "/goData", method: .get, headers: cookie())
            let links = try JSON.decode([NamedLink].self, from: Data(data.body.readableBytesView))
            #expect(links.count == 6)
            #expect(links.first?.name == "Video 1")
            #expect(links.first?.url == "https://www.youtube.com/watch?v=aaaaaaaaaa1")
            for query in ["gf6v59c5yuY", "YouTube_ID=gf6v59c5yuY"] {
                let response = try await client.execute(uri: "/goUpdate?\(query)", method: .get, headers: cookie())
                #expect(response.status == .noContent)
            }
            for query in ["", "?", "?short", "?YouTube_ID=short"] {
                let response = try await client.execute(uri: "/goUpdate\(query)", method: .get, headers: cookie())
                #expect(response.status == .badRequest)
            }
        }
        #expect(seen.clicks == 2)
    }

    /// The same three as on the page.
    @Test func whoComesForTheFirstTimeGetsThreeLinks() async throws {
        try await Scripted.test(gateway()) { client in
            let page = try await client.execute(uri: "/", method: .get)
            for headers in [[:], [.cookie: "mien_user=1; x=y"]] as [HTTPFields] {
                let response = try await client.execute(uri: "/goData", method: .get, headers: headers)
                #expect(response.status == .ok)
                let links = try JSON.decode([NamedLink].self, from: Data(response.body.readableBytesView))
                #expect(links.count == 3)
                for link in links {
                    let line = "[\"\(link.url.suffix(11))\", \"\(link.name)\"]"
                    #expect(String(buffer: page.body).contains(line))
                }
            }
        }
    }

    @Test func aCookieThatIsNoIdNamesNobody() async throws {
        try await Scripted.test(gateway()) { client in
            let response = try await client.execute(
                uri: "/v1/users/me", method: .get, headers: [.cookie: "mien_user=1; x=y"])
            #expect(response.status == .notFound)
        }
    }

    @Test func erasingNeedsTheDatabase() async throws {
        try await Scripted.test(gateway()) { client in
            let response = try await client.execute(uri: "/v1/users/\(user)", method: .delete)
            #expect(response.status == .serviceUnavailable)
        }
    }
}
