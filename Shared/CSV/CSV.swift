/// Values separated by commas, or by another delimiter, as RFC 4180 writes them: quoted fields may hold delimiters, doubled quotes
/// and line ends. Lines end with LF, CR LF or CR; UTF-8, with or without a byte order mark.
package struct CSV {
    /// The fields of one record, and the line it begins on, from 1.
    package struct Record: Sendable, Hashable {
        package var line: Int
        package var fields: [String]
    }

    /// Why there is no record at a line.
    package enum Malformed: Error, Equatable, CustomStringConvertible {
        case notUTF8(line: Int)
        /// The quote that begins there has no end.
        case openQuote(line: Int)
        /// A field goes on behind its closing quote.
        case afterQuote(line: Int)

        package var description: String {
            switch self {
            case .notUTF8(let line): "Line \(line) is not UTF-8 text: save the file in that encoding."
            case .openQuote(let line): "The quote in line \(line) is never closed."
            case .afterQuote(let line): "Something follows a closing quote in line \(line)."
            }
        }
    }

    private let bytes: [UInt8]
    private let delimiter: [UInt8]
    private var position: Int
    private var line = 1

    /// `delimiter` is one ASCII character or two.
    package init(_ bytes: [UInt8], delimiter: String = ",") {
        precondition((1...2).contains(delimiter.utf8.count), "a delimiter of one character or two")
        self.bytes = bytes
        self.delimiter = Array(delimiter.utf8)
        position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// What the first line looks divided by, quoted parts apart: `::`, a tab, a comma or a semicolon; a comma where it has none.
    package static func delimiter(of bytes: [UInt8]) -> String {
        var (isQuoted, found) = (false, Set<UInt8>())
        var last: UInt8 = 0
        for byte in bytes {
            if byte == quote { isQuoted.toggle() }
            if isQuoted { continue }
            if isLineEnd(byte) { if last == 0 { continue } else { break } }
            if byte == UInt8(ascii: ":"), last == byte { return "::" }
            found.insert(byte)
            last = byte
        }
        return ["\t", ",", ";"].first { found.contains($0.utf8.first ?? 0) } ?? ","
    }

    /// The next record, or `nil` after the last; lines without anything on them are passed over.
    package mutating func next() throws(Malformed) -> Record? {
        while position < bytes.count {
            let begin = line
            let fields = try fields()
            if fields != [""] { return Record(line: begin, fields: fields) }
        }
        return nil
    }

    private mutating func fields() throws(Malformed) -> [String] {
        var fields: [String] = []
        while true {
            fields.append(try field())
            if isAtDelimiter {
                position += delimiter.count
            } else {
                passLineEnd()
                return fields
            }
        }
    }

    private mutating func field() throws(Malformed) -> String {
        guard position < bytes.count, bytes[position] == Self.quote else {
            let start = position
            while position < bytes.count, !Self.isLineEnd(bytes[position]), !isAtDelimiter { position += 1 }
            return try text(bytes[start..<position], of: line)
        }
        let begin = line
        var content: [UInt8] = []
        position += 1
        while true {
            guard position < bytes.count else { throw .openQuote(line: begin) }
            if Self.isLineEnd(bytes[position]) {
                let start = position
                passLineEnd()
                content += bytes[start..<position]
                continue
            }
            if bytes[position] == Self.quote {
                position += 1
                guard position < bytes.count, bytes[position] == Self.quote else { break }
            }
            content.append(bytes[position])
            position += 1
        }
        guard position == bytes.count || Self.isLineEnd(bytes[position]) || isAtDelimiter else {
            throw .afterQuote(line: line)
        }
        return try text(content[...], of: begin)
    }

    /// Text without zero bytes, which UTF-16 is full of.
    private func text(_ bytes: ArraySlice<UInt8>, of line: Int) throws(Malformed) -> String {
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw .notUTF8(line: line)
        }
        return text
    }

    private var isAtDelimiter: Bool {
        guard position + delimiter.count <= bytes.count, bytes[position] == delimiter[0] else { return false }
        return delimiter.count == 1 || bytes[position + 1] == delimiter[1]
    }

    private mutating func passLineEnd() {
        guard position < bytes.count else { return }
        let isCarriageReturn = bytes[position] == UInt8(ascii: "\r")
        position += 1
        if isCarriageReturn, position < bytes.count, bytes[position] == UInt8(ascii: "\n") { position += 1 }
        line += 1
    }

    private static let quote = UInt8(ascii: "\"")

    private static func isLineEnd(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }
}
