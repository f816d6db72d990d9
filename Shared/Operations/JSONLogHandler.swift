internal import Digest
internal import FoundationEssentials
internal import Glibc
package import Logging

/// Writes each record as one line of JSON: `time`, `level`, `message`, `service`, then the metadata by its own keys.
///
/// Whoever has a job's id may ask the gateway for its result, and so learn who it was. So `job.id` is written as `job.digest`.
package struct JSONLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level

    private let service: String
    private let write: @Sendable (String) -> Void

    /// The keys that metadata may not take.
    private static let reserved: Set<String> = ["time", "level", "message", "service"]

    /// `write` takes one whole line; by default it goes to stderr in one piece.
    package init(
        service: String, level: Logger.Level = .info, write: @escaping @Sendable (String) -> Void = Self.standardError
    ) {
        self.service = service
        self.write = write
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let own = event.metadata { fields.merge(own) { _, new in new } }
        if let error = event.error, fields["error"] == nil { fields["error"] = "\(error)" }
        if let job = fields.removeValue(forKey: "job.id") { fields["job.digest"] = "\(Self.digest("\(job)"))" }
        var line = "{\"time\":\"" + Date.now.formatted(Self.time) + "\",\"level\":\"\(event.level)\",\"message\":"
        JSONText.append(event.message.description, to: &line)
        line += ",\"service\":"
        JSONText.append(service, to: &line)
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += ","
            JSONText.append(Self.reserved.contains(key) ? "metadata." + key : key, to: &line)
            line += ":"
            JSONText.append(value, to: &line)
        }
        write(line + "}\n")
    }

    /// The first 16 hexadecimal digits of a text's SHA-256.
    package static func digest(_ text: String) -> String {
        Array(text.utf8).withUnsafeBytes(SHA256.hash).hexadecimal(bytes: 8)
    }

    private static let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// Writes to file descriptor 2, without a buffer: lines of several threads do not mix.
    package static let standardError: @Sendable (String) -> Void = { line in
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// JSON as text, for the few places that write a handful of fields.
enum JSONText {
    static func append(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): append(text, to: &line)
        case .stringConvertible(let value): append(value, to: &line)
        case .array(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                append(value, to: &line)
            }
            line += "]"
        case .dictionary(let values):
            line += "{"
            for (index, pair) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                append(pair.key, to: &line)
                line += ":"
                append(pair.value, to: &line)
            }
            line += "}"
        }
    }

    /// Numbers and truth values stay what they are.
    private static func append(_ value: any CustomStringConvertible & Sendable, to line: inout String) {
        switch value {
        case let value as any FixedWidthInteger: line += "\(value)"
        case let value as Bool: line += value ? "true" : "false"
        case let value as Double where value.isFinite: line += "\(value)"
        case let value as Float where value.isFinite: line += "\(value)"
        default: append(value.description, to: &line)
        }
    }

    static func append(_ text: String, to line: inout String) {
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}
