import FoundationEssentials
import Messages

/// A `JobHeader` as an operator can read it: JSON with ISO 8601 times, to the millisecond.
enum HeaderCoding {
    private static let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// What decoding makes of a header.
    enum Reading: Hashable, Sendable {
        case header(JobHeader)
        /// Written by a newer build; the header where this build can still make sense of it.
        case newer(schema: Int, JobHeader?)
        case unreadable
    }

    static func encode(_ header: JobHeader) throws(BrokerError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(time))
        }
        do {
            return String(decoding: try encoder.encode(header), as: UTF8.self)
        } catch {
            throw .unencodable("\(error)")
        }
    }

    static func decode(_ text: String) -> Reading {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            try Date(try decoder.singleValueContainer().decode(String.self), strategy: time)
        }
        let data = Data(text.utf8)
        guard let version = try? decoder.decode(Version.self, from: data) else { return .unreadable }
        let header = try? decoder.decode(JobHeader.self, from: data)
        guard version.schema <= JobHeader.currentSchema else { return .newer(schema: version.schema, header) }
        return header.map { .header($0) } ?? .unreadable
    }

    /// The one field that every version of the header has.
    private struct Version: Decodable {
        var schema: Int
    }
}
