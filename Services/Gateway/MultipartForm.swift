package import Foundation

/// A body of type multipart/form-data (RFC 7578), read whole and strictly.
package struct MultipartForm: Hashable, Sendable {
    /// One field of the form.
    package struct Field: Hashable, Sendable {
        package var name: String
        package var type: String?
        package var content: Data
    }

    package var fields: [Field]

    private static let mostFields = 16
    private static let longestHeaders = 4096

    /// - Parameter boundary: the Content-Type's parameter, 1 to 70 characters.
    /// - Throws: what makes the body no form.
    package init(_ body: Data, boundary: String) throws(MultipartError) {
        guard (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ (0x20...0x7e).contains($0) }),
            boundary.last != " "
        else { throw .badBoundary }
        let delimiter = Data("--\(boundary)".utf8)
        let next = Data("\r\n--\(boundary)".utf8)
        fields = []

        // What stands before the first delimiter is a preamble, to be passed over.
        var rest: Data
        if body.starts(with: delimiter) {
            rest = body.dropFirst(delimiter.count)
        } else if let first = body.range(of: next) {
            rest = body[first.upperBound...]
        } else {
            throw .noDelimiter
        }
        while true {
            if rest.starts(with: Data("--".utf8)) { return }
            // White space after a delimiter is allowed (RFC 2046, transport padding).
            rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
            guard rest.starts(with: Self.lineBreak) else { throw .badDelimiter }
            rest = rest.dropFirst(2)
            guard let end = rest.range(of: next) else { throw .notClosed }
            guard fields.count < Self.mostFields else { throw .tooManyFields }
            fields.append(try Self.field(rest[..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
    }

    private static let lineBreak = Data("\r\n".utf8)
    private static let blankLine = Data("\r\n\r\n".utf8)

    private static func field(_ part: Data) throws(MultipartError) -> Field {
        let head: Data
        let content: Data
        if part.starts(with: lineBreak) {
            throw .unnamedField
        } else if let end = part.prefix(longestHeaders).range(of: blankLine) {
            head = part[..<end.lowerBound]
            content = Data(part[end.upperBound...])
        } else {
            throw .badHeaders
        }
        guard let text = String(bytes: head, encoding: .utf8) else { throw .badHeaders }
        var disposition: ContentDisposition?
        var type: String?
        // In Swift "\r\n" is one character, and a lone "\r" or "\n" is another.
        for line in text.split(separator: "\r\n", omittingEmptySubsequences: false) {
            guard !line.contains("\r"), !line.contains("\n"), let colon = line.firstIndex(of: ":") else {
                throw .badHeaders
            }
            let value = line[line.index(after: colon)...].trimmed
            switch line[..<colon].lowercased() {
            case "content-disposition":
                guard disposition == nil, let parsed = ContentDisposition(value) else { throw .unnamedField }
                disposition = parsed
            case "content-type":
                guard type == nil else { throw .badHeaders }
                type = String(value)
            default: break
            }
        }
        guard let disposition else { throw .unnamedField }
        return Field(name: disposition.name, type: type, content: content)
    }
}

/// The value of a form field's Content-Disposition.
private struct ContentDisposition {
    var name: String

    init?(_ text: Substring) {
        // Its grammar is that of a media type but for the slash.
        guard let semicolon = text.firstIndex(of: ";"), text[..<semicolon].trimmed.lowercased() == "form-data",
            let parsed = ContentType("form/data" + text[semicolon...]), let name = parsed.parameters["name"]
        else { return nil }
        self.name = name
    }
}

/// Why a body is no form.
package enum MultipartError: Error, Hashable {
    case badBoundary, noDelimiter, badDelimiter, notClosed, tooManyFields, badHeaders, unnamedField
}

extension MultipartError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badBoundary: "The Content-Type names no valid boundary."
        case .noDelimiter: "The form does not contain its boundary."
        case .badDelimiter: "A boundary of the form is not followed by a line break."
        case .notClosed: "The form ends before its last boundary."
        case .tooManyFields: "The form has too many fields."
        case .badHeaders: "A field of the form has headers that cannot be read."
        case .unnamedField: "A field of the form has no name."
        }
    }
}
