import Foundation
import Gateway
import HTTPTypes
import Messages
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

    @Test(arguments: ["wait", "wait=", "wait=-1", "wait=1.5", "wait=999999999", "respond-async=1", ",;=,", ""])
    func passesOverPreferencesThatMakeNoSense(_ text: String) {
        #expect(preference(text) == preference())
    }

    @Test func readsContentTypes() {
        let type = ContentType(" Multipart/Form-Data ; Boundary=\"a;b\\\"c\" ; charset=utf-8;")
        #expect(type?.essence == "multipart/form-data")
        #expect(type?.parameters == ["boundary": "a;b\"c", "charset": "utf-8"])
        #expect(ContentType("image/jpeg")?.mayBePicture == true)
        #expect(ContentType("IMAGE/PNG")?.mayBePicture == true)
        #expect(ContentType("application/octet-stream")?.mayBePicture == true)
        #expect(ContentType("imagery/png")?.mayBePicture == false)
    }

    @Test(arguments: [
        "", "image", "image/", "/png", "image/p ng", "a/b/c", "a/b; c", "a/b; =d", "a/b; c=\"d", "a/b; c=d; C=e",
    ])
    func refusesContentTypesThatAreNone(_ text: String) {
        #expect(ContentType(text) == nil)
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
