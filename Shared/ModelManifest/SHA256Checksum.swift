internal import Digest
internal import FoundationEssentials

/// A SHA-256, written as 64 hexadecimal digits.
package struct SHA256Checksum: Hashable, Sendable, CustomStringConvertible {
    /// Lower case.
    package let description: String

    /// `nil` unless the text is 64 hexadecimal digits.
    package init?(_ text: String) {
        guard text.utf8.count == 64, text.allSatisfy(\.isHexDigit) else { return nil }
        description = text.lowercased()
    }

    /// The checksum of a file, which is mapped and not copied into memory.
    package init(contentsOf path: String) throws(ModelManifestError) {
        do {
            let data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
            description = data.withUnsafeBytes(SHA256.hash).hexadecimal()
        } catch {
            throw .missing(file: path)
        }
    }
}

extension SHA256Checksum: Decodable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a SHA-256 in hexadecimal"))
        }
        self = value
    }
}
