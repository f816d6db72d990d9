import Foundation
import Gateway
import Hummingbird
import HummingbirdTesting
import HTTPTypes
import Messages
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct EdgeTests {
    @Test(arguments: [
        "/", "/getRecommend", "/page/icon.svg", "/openapi.yaml", "/nothing", "/v1/users/7", "/v1/selfies",
    ])
    func everyResponseCarriesTheSecurityHeaders(_ path: String) async throws {
        try await Scripted.test(Scripted.gateway()) { client in
            let response = try await client.execute(uri: path, method: .get)
            for field in SecurityHeaders.fields { #expect(response.headers[field.name] == field.value) }
            #expect(response.headers[.cacheControl] != nil)
            #expect(response.headers[.accessControlAllowOrigin] == nil)
        }
    }

    @Test func servesThePageAndItsFiles() async throws {
        try await Scripted.test(Scripted.gateway()) { client in
            let page = try await client.execute(uri: "/", method: .get)
            #expect(page.status == .ok)
            #expect(page.headers[.contentType] == "text/html; charset=utf-8")
            let html = String(buffer: page.body)
            let links = html.matches(of: #/(?:href=|src=|url\()"(/[^"]*)"/#).map { String($0.1) }
            // What is kept of somebody is there once they are known.
            for link in links where link != "/v1/users/me" {
                let file = try await client.execute(uri: link, method: .get)
                #expect(file.status == .ok, "\(link)")
            }
            // The style and every module are inside, without what would ask for more.
            #expect(html.contains("<style>\n@font-face ") && html.contains("\nclass Looking "))
            #expect(html.firstMatch(of: #/(?m)^(import|export) /#) == nil)
        }
    }

    @Test(arguments: [("gzip, br", true), ("GZIP;q=0.5", true), ("gzip;q=0", false), ("br", false), ("", false)])
    func compressesForThoseWhoTakeIt(_ accepted: String, _ compressed: Bool) async throws {
        try await Scripted.test(Scripted.gateway()) { client in
            let response = try await client.execute(uri: "/", method: .get, headers: [.acceptEncoding: accepted])
            #expect((response.headers[.contentEncoding] == "gzip") == compressed)
            #expect(response.headers[.vary] == "Accept-Encoding")
            #expect((response.body.readableBytes < PageFiles.page.bytes.count / 2) == compressed)
            #expect((response.body.getBytes(at: 0, length: 2) == [0x1F, 0x8B]) == compressed)
            let tag = try #require(response.headers[.eTag])
            let again = try await client.execute(
                uri: "/", method: .get, headers: [.acceptEncoding: accepted, .ifNoneMatch: tag])
            #expect(again.status == .notModified)
        }
    }

    @Test func aClientThatHasAFileIsToldSo() async throws {
        try await Scripted.test(Scripted.gateway()) { client in
            let first = try await client.execute(uri: "/page/icon.svg", method: .get)
            let tag = try #require(first.headers[.eTag])
            for value in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                let again = try await client.execute(
                    uri: "/page/icon.svg", method: .get, headers: [.ifNoneMatch: value])
                #expect(again.status == .notModified)
                #expect(again.headers[.eTag] == tag)
                #expect(again.body.readableBytes == 0)
            }
            let other = try await client.execute(
                uri: "/page/icon.svg", method: .get, headers: [.ifNoneMatch: "\"other\""])
            #expect(other.status == .ok)
        }
    }

    @Test func anotherSitesPageMayNotSendPictures() async throws {
        let gateway = Scripted.gateway(ask: Scripted.stages(recognising: .random()))
        try await Scripted.test(gateway) { client in
            for (site, status) in [
                ("cross-site", 403), ("same-origin", 200), ("same-site", 403), ("none", 200),
                ("same-origin, none", 403),
                ("", 403),
            ] {
                let headers: HTTPFields = [HTTPField.Name("Sec-Fetch-Site")!: site]
                let response = try await client.execute(
                    uri: "/v1/selfies", method: .post, headers: headers, body: ByteBuffer(string: "a picture"))
                #expect(response.status.code == status)
                #expect((response.headers[.setCookie] == nil) == (status == 403))
                #expect(try await client.execute(uri: "/", method: .get, headers: headers).status == .ok)
            }
        }
    }

    @Test(arguments: [
        ("http://localhost", 200), ("https://localhost", 200), ("http://localhost:80", 200),
        ("https://mien.example", 200),
        ("http://localhost:3000", 403), ("https://evil.example", 403), ("null", 403), ("", 403),
        ("https://mien.example:8443", 403), ("https://mien.example.evil.example", 403), ("file://", 403),
    ])
    func anotherOriginsPageMayNotSendPictures(_ origin: String, _ status: Int) async throws {
        var settings = GatewaySettings()
        settings.allowedHosts = "mien.example"
        let gateway = Scripted.gateway(settings: settings, ask: Scripted.stages(recognising: .random()))
        try await Scripted.test(gateway) { client in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [HTTPField.Name("Origin")!: origin],
                body: ByteBuffer(string: "a picture"))
            #expect(response.status.code == status)
        }
    }

    @Test func whatChangesByGetIsGuardedToo() async throws {
        let seen = Seen()
        let user = UserID.random()
        let gateway = Scripted.gateway(ask: Scripted.stages(recognising: user, recording: seen))
        try await Scripted.test(gateway) { client in
            var headers: HTTPFields = [.cookie: "mien_user=\(user)"]
            let head = try await client.execute(uri: "/goUpdate?gf6v59c5yuY", method: .head, headers: headers)
            #expect(head.status == .methodNotAllowed && head.headers[.allow] == "GET")
            headers[HTTPField.Name("Sec-Fetch-Site")!] = "same-site"
            let other = try await client.execute(uri: "/goUpdate?gf6v59c5yuY", method: .get, headers: headers)
            #expect(other.status == .forbidden)
        }
        #expect(seen.clicks == 0)
    }

    @Test func noHeadHasAnEffect() async throws {
        let seen = Seen()
        let gateway = Scripted.gateway(ask: Scripted.stages(recognising: .random(), recording: seen))
        try await Scripted.test(gateway) { client in
            for route in gateway.routes where route.effect != .nothing {
                let path = route.path.replacing("{id}", with: "\(UserID.random())").replacing(
                    "{video_id}", with: "gf6v59c5yuY"
                ).replacing("{other}", with: "\(UserID.random())")
                let response = try await client.execute(
                    uri: path, method: .head, body: ByteBuffer(string: #"{"video_id": "gf6v59c5yuY"}"#))
                // A path that another route can be asked for has a head of its own.
                #expect(
                    response.status == .methodNotAllowed
                        || gateway.routes.contains { $0.takesHead && $0.parameters(in: path) != nil }
                )
            }
        }
        #expect(seen.clicks == 0 && !seen.jobs.contains { _ in seen.first is ImageSubmitted })
    }

    @Test func aHeadHasNoBody() async throws {
        try await Scripted.test(Scripted.gateway()) { client in
            for path in ["/", "/nothing", "/v1/users/7"] {
                let get = try await client.execute(uri: path, method: .get)
                let head = try await client.execute(uri: path, method: .head)
                #expect(head.status == get.status)
                #expect(head.headers[.contentLength] == get.headers[.contentLength])
                #expect(head.body.readableBytes == 0)
            }
        }
    }

    @Test(arguments: [
        ("/v1/selfies", HTTPRequest.Method.get, "POST"), ("/", .post, "GET, HEAD"),
        ("/v1/users/me", .put, "GET, DELETE, HEAD"),
        ("/v1/users/me/clicks", .delete, "POST"),
        ("/v1/users/me/feedback", .get, "POST"),
        ("/v1/users/me/feedback/gf6v59c5yuY", .post, "DELETE"),
        ("/v1/users/me/merges", .get, "POST"),
    ])
    func aWrongMethodIsToldTheRightOnes(_ path: String, _ method: HTTPRequest.Method, _ allowed: String) async throws {
        try await Scripted.test(Scripted.gateway()) { client in
            let response = try await client.execute(uri: path, method: method)
            #expect(response.status == .methodNotAllowed)
            #expect(response.headers[.allow] == allowed)
            #expect(response.headers[.contentType] == "application/problem+json")
        }
    }

    @Test(arguments: [
        "/nothing", "/v1", "/v2/selfies", "/page/", "//", "//v1/jobs/me", "/v1/jobs/me/", "/v1//jobs/me",
        "/v1/users//clicks",
        "/v1/jobs/", "/page/secret.js", "/page/../openapi.yaml", "/problems/none",
    ])
    func whereThereIsNothingIsNotFound(_ path: String) async throws {
        try await Scripted.test(Scripted.gateway()) { client in
            let response = try await client.execute(uri: path, method: .get)
            #expect(response.status == .notFound)
            #expect(response.headers[.contentType] == "application/problem+json")
        }
    }

    /// The paths and methods of openapi.yaml, read from its layout: two spaces before a path, four before a method.
    @Test func theDescriptionAndTheRoutesAgree() throws {
        let text = String(decoding: PageFiles.description.bytes, as: UTF8.self)
        var described: Set<String> = []
        var path: String?
        var inPaths = false
        for line in text.split(separator: "\n") {
            if !line.hasPrefix(" ") { inPaths = line == "paths:" }
            guard inPaths else { continue }
            if let match = line.wholeMatch(of: #/  (/\S*):/#) { path = String(match.1) }
            if let path, let match = line.wholeMatch(of: #/    (get|post|put|delete|patch|head|options):/#) {
                described.insert("\(match.1.uppercased()) \(path)")
            }
        }
        let routes = Set(Scripted.gateway().routes.map { "\($0.method.rawValue) \($0.path)" })
        #expect(described == routes)
    }
}
