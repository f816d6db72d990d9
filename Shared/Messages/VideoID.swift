/// A YouTube video's id: eleven letters, digits, `-` or `_`.
package struct VideoID: Hashable, Sendable {
    package let rawValue: String

    /// `nil` unless the text has the form of a YouTube id.
    package init?(_ text: String) {
        guard text.utf8.count == 11, text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        rawValue = text
    }

    /// The address that opens the video on YouTube.
    package var url: String { "https://www.youtube.com/watch?v=\(rawValue)" }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension VideoID: LosslessStringConvertible {
    package var description: String { rawValue }
}

extension VideoID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a video id: \(text)")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
