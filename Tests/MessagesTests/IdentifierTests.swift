import Foundation
import Messages
import Testing

@Suite struct IdentifierTests {
    @Test func anIdentifierIsALowerCaseUUID() throws {
        let id = UserID.random()
        #expect(id.description == id.uuid.uuidString.lowercased())
        #expect(UserID(id.description) == id)
        #expect(UserID(id.description.uppercased()) == id)
        #expect(UserID("me") == nil)
        #expect(String(decoding: try JSONEncoder().encode([id]), as: UTF8.self) == #"["\#(id)"]"#)
    }

    @Test func identifiersAreRandom() {
        #expect(Set((0..<1000).map { _ in JobID.random() }).count == 1000)
    }
}

@Suite struct VideoIDTests {
    @Test(arguments: ["dQw4w9WgXcQ", "-_-_-_-_-_-", "00000000000"])
    func elevenOfTheRightCharacters(text: String) {
        #expect(VideoID(text)?.rawValue == text)
    }

    @Test(arguments: ["", "dQw4w9WgXc", "dQw4w9WgXcQQ", "dQw4w9WgXc/", "dQw4w9WgXc ", "dQw4w9WgXcé"])
    func nothingElse(text: String) {
        #expect(VideoID(text) == nil)
    }
}
