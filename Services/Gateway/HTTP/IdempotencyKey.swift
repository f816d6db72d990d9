import Digest
package import FoundationEssentials
package import HTTPTypes
package import Messages

/// A client's name for one request, so that sending it again is the same job.
package struct IdempotencyKey: Hashable, Sendable {
    package let text: String

    /// `nil` when the request has none.
    ///
    /// - Throws: `malformedRequest` when it is not 1 to 255 visible ASCII characters.
    package init?(_ headers: HTTPFields) throws(Failure) {
        let texts = headers[values: .idempotencyKey]
        guard let text = texts.first else { return nil }
        guard texts.count == 1 else { throw Failure(.malformedRequest, "The request has two Idempotency-Keys.") }
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Failure(.malformedRequest, "An Idempotency-Key is 1 to 255 visible ASCII characters.")
        }
        self.text = text
    }

    /// The job that this request is: the first 128 bits of a SHA-256 over the trip, the key and the request's content.
    ///
    /// The content counts, so that two clients who happen to choose one key do not become one job.
    package func job(_ trip: Trip, content: [Data]) -> JobID {
        var hash = SHA256()
        for part in [Data("mien job".utf8), Data(trip.rawValue.utf8), Data(text.utf8)] + content {
            withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update($0) }
            part.withUnsafeBytes { hash.update($0) }
        }
        var bytes = Array(hash.finish().bytes.prefix(16))
        // A UUID of version 8: made by an application's own rule (RFC 9562).
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        return JobID(
            UUID(
                uuid: (
                    bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8], bytes[9],
                    bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]
                )))
    }
}
