internal import COpenSSL

/// SHA-256 (FIPS 180-4) of bytes that come in pieces, computed by OpenSSL.
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    package init() {
        // Neither fails but for want of memory.
        context = EVP_MD_CTX_new()!
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "OpenSSL has no SHA-256")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds a piece.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1)
    }

    /// The digest of all pieces.
    package consuming func finish() -> SHA256Digest {
        var bytes = [UInt8](repeating: 0, count: SHA256Digest.count)
        precondition(EVP_DigestFinal_ex(context, &bytes, nil) == 1)
        return SHA256Digest(bytes: bytes)
    }

    /// The digest of bytes at once: `data.withUnsafeBytes(SHA256.hash)`.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> SHA256Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }
}

/// What SHA-256 makes of bytes.
package struct SHA256Digest: Hashable, Sendable {
    /// How many bytes it has.
    package static let count = 32

    package let bytes: [UInt8]

    /// The first bytes in hexadecimal, lower case; all of them unless fewer are asked for.
    package func hexadecimal(bytes count: Int = Self.count) -> String {
        bytes.prefix(count).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
