import Foundation
import Messages
import Testing

@Suite struct ImageSubmittedTests {
    private let message = ImageSubmitted(
        request: SelfieRequest(declaredNew: true), image: Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) }))

    @Test func thePictureTravelsAsItCame() throws {
        let encoded = try message.encoded()
        #expect(try ImageSubmitted(encoded: encoded) == message)
        // Raw bytes, not base64.
        #expect(encoded.count < message.image.count + 200)
    }

    @Test func anEmptyPictureIsStillAMessage() throws {
        let empty = ImageSubmitted(request: SelfieRequest(), image: Data())
        #expect(try ImageSubmitted(encoded: try empty.encoded()) == empty)
    }

    @Test func aSliceOfALargerBufferReadsTheSame() throws {
        let buffer = Data("junk".utf8) + (try message.encoded())
        #expect(try ImageSubmitted(encoded: buffer.dropFirst(4)) == message)
    }

    @Test(arguments: [0, 1, 3, 4, 20])
    func aCutMessageIsRefused(length: Int) throws {
        let cut = try message.encoded().prefix(length)
        #expect(throws: ImageSubmittedError.truncated) { try ImageSubmitted(encoded: cut) }
    }

    @Test func aLengthBeyondTheEndIsRefused() {
        #expect(throws: ImageSubmittedError.truncated) {
            try ImageSubmitted(encoded: Data([0xff, 0xff, 0xff, 0xff, 0x7b, 0x7d]))
        }
    }

    @Test func factsThatAreNotJSONAreRefused() {
        #expect(throws: DecodingError.self) { try ImageSubmitted(encoded: Data([0, 0, 0, 1, 0x7b])) }
    }
}
