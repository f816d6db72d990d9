import Foundation
import Gateway
import HTTPTypes
import Messages
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct HeaderTests {
    private func preference(_ values: String...) -> Preference {
        var headers = HTTPFields()
        headers[values: HTTPField.Name("Prefer")!] = values
        return Preference(headers)
    }

    @Test func readsPreferences() {
        #expect(!preference().respondsAsync)
        #expect(preference("respond-async").respondsAsync)
        let both = preference("Respond-Async; x=y, handling=lenient", "wait=10")
        #expect(both.respondsAsync && both.wait == .seconds(10))
        #expect(preference("wait=\"7\"").wait == .seconds(7))
        #expect(preference("wait = 5, wait=9").wait == .seconds(5))
    }

    @Test(arguments: ["respond-async=", "respond-async=\"\"", "RESPOND-ASYNC ; a=\"b,c\"", "x=\",\", respond-async"])
    func readsPreferencesHoweverTheyAreSpelled(_ text: String) {
        #expect(preference(text).respondsAsync)
    }

    @Test(arguments: [
        "wait", "wait=", "wait=-1", "wait=1.5", "wait=999999999", "respond-async=1", ",;=,", "",
        "x=\"a, respond-async, wait=9\"",
    ])
    func passesOverPreferencesThatMakeNoSense(_ text: String) {
        #expect(preference(text) == preference())
    }

    @Test func readsContentTypes() {
        let type = ContentType(" Multipart/Form-Data ; Boundary=\"a;b\\\"c\" ; charset=utf-8;")
        #expect(type?.essence == "multipart/form-data")
        #expect(type?.parameters.values(of: "boundary") == ["a;b\"c"])
        #expect(type?.parameters.values(of: "charset") == ["utf-8"])
        #expect(ContentType("image/jpeg")?.mayBePicture == true)
        #expect(ContentType("IMAGE/PNG")?.mayBePicture == true)
        #expect(ContentType("application/octet-stream")?.mayBePicture == true)
        #expect(ContentType("imagery/png")?.mayBePicture == false)
    }

    @Test(arguments: ["", "image", "image/", "/png", "image/p ng", "a/b/c", "a/b, a/c"])
    func refusesContentTypesThatAreNone(_ text: String) {
        #expect(ContentType(text) == nil)
    }

    @Test(arguments: [
        "image/jpeg; c", "image/jpeg; =d", "image/jpeg; c=\"d", "image/jpeg; c=d; C=e", "image/jpeg, image/jpeg",
        "image/jpeg; name=my photo.jpg", "image/jpeg;;;", "image/jpeg; \u{e9}=\u{fffd}",
    ])
    func whatNobodyReadsOfAContentTypeDecidesNothing(_ text: String) {
        #expect(ContentType(text)?.essence == "image/jpeg")
    }

    @Test(arguments: [
        ("; a=b", ["b"]), ("; a=----=_Part_10_42.13", ["----=_Part_10_42.13"]), ("; a= \"b\" ;c=d", ["b"]),
        (";a=my photo.jpg; b=c", ["my photo.jpg"]), (#"; a="b"c.jpg""#, [#"b"c.jpg"#]),
        (#"; a="b \"c\"; d""#, [#"b "c"; d"#]), (#"; a="C:\dir\""#, ["C:dir"]),
        (#"; b="; a=c"; a=d"#, ["d"]), ("; a=b; A=c", ["b", "c"]), ("; a", []), (#"; a="b"#, []),
        ("; a=\u{e9}t\u{e9}", ["\u{e9}t\u{e9}"]), ("; a=\"\"", [""]),
    ])
    func readsParametersAsTheyAreSent(_ text: String, _ values: [String]) {
        #expect(HeaderParameters(text).values(of: "a") == values)
    }

    @Test func twoTypesAreNone() throws {
        var headers = HTTPFields()
        headers[values: .contentType] = ["image/jpeg", "image/jpeg"]
        #expect(try ContentType(headers, wanted: "x")?.essence == "image/jpeg")
        headers[values: .contentType] = ["image/jpeg", "text/plain"]
        #expect(throws: Failure.self) { try ContentType(headers, wanted: "x") }
        headers[values: .contentType] = [" "]
        #expect(try ContentType(headers, wanted: "x") == nil)
    }

    @Test(
        arguments: [
            ("localhost", "localhost", nil), ("LocalHost.:80", "localhost", 80), ("[::1]:8080", "[::1]", 8080),
            ("127.0.0.1:", "127.0.0.1", nil), ("a.example:443", "a.example", 443),
        ] as [(String, String, Int?)])
    func readsAuthorities(_ text: String, _ host: String, _ port: Int?) {
        #expect(Authority(text)?.host == host)
        #expect(Authority(text)?.port == port)
    }

    @Test(arguments: [
        "", " ", "a b", "user@localhost", "localhost:x", "localhost:99999", "[::1", "[::1]x", ":80", "a/b",
    ])
    func refusesAuthoritiesThatAreNone(_ text: String) {
        #expect(Authority(text) == nil)
    }

    @Test func onlyKnownHostsAreAllowed() throws {
        let hosts = AllowedHosts("mien.example, Other.Example", bound: "0.0.0.0")
        let local = try SocketAddress(ipAddress: "192.168.1.5", port: 8080)
        for text in [
            "localhost", "localhost:9", "a.localhost", "127.0.0.1", "127.9.9.9:80", "[::1]", "mien.example:443",
            "other.example.", "192.168.1.5:8080",
        ] {
            let authority = try #require(Authority(text))
            #expect(hosts.contains(authority, local: local), "\(text)")
        }
        for text in [
            "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3.4", "192.168.1.50", "[::2]",
        ] {
            let authority = try #require(Authority(text))
            #expect(!hosts.contains(authority, local: local), "\(text)")
        }
        let any = try #require(Authority("any.example"))
        #expect(AllowedHosts("*", bound: "x").contains(any, local: nil))
        let reached = try #require(Authority("10.0.0.1"))
        let both = try SocketAddress(ipAddress: "::ffff:10.0.0.1", port: 1)
        #expect(AllowedHosts("", bound: "::").contains(reached, local: both))
    }

    @Test func aKeysJobIsAUUIDOfItsOwnKind() throws {
        let headers: HTTPFields = [HTTPField.Name("Idempotency-Key")!: "key"]
        let key = try #require(try IdempotencyKey(headers))
        let job = key.job(.selfie, content: [Data("a".utf8), Data("b".utf8)])
        #expect(job == key.job(.selfie, content: [Data("a".utf8), Data("b".utf8)]))
        #expect(job != key.job(.selfie, content: [Data("ab".utf8), Data()]))
        #expect(job != key.job(.analysis, content: [Data("a".utf8), Data("b".utf8)]))
        let text = job.description
        #expect(text.split(separator: "-")[2].first == "8")
        #expect("89ab".contains(text.split(separator: "-")[3].first!))
    }
}
