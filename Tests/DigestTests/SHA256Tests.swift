import Digest
import Testing

struct SHA256Tests {
    /// The examples of FIPS 180-4 and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func publishedExamples(text: String, digest: String) {
        #expect(Array(text.utf8).withUnsafeBytes(SHA256.hash).hexadecimal() == digest)
    }

    @Test func piecesAreTheSameAsTheWhole() {
        let whole = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        var hash = SHA256()
        for piece in [whole[..<1], whole[1..<64], whole[64..<64], whole[64...]] {
            piece.withUnsafeBytes { hash.update($0) }
        }
        let digest = hash.finish()
        #expect(digest == whole.withUnsafeBytes(SHA256.hash))
        #expect(digest.bytes.count == SHA256Digest.count)
        #expect(digest.hexadecimal(bytes: 2) == String(digest.hexadecimal().prefix(4)))
    }
}
