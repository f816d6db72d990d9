package import Foundation

/// A body of type multipart/form-data (RFC 7578), read whole: strict about where fields begin and end, lenient about how senders
/// spell what nobody reads, such as the names of files.
package struct MultipartForm: Hashable, Sendable {
    /// One field of the form.
    package struct Field: Hashable, Sendable {
        package var name: String
        /// The name of the file in it, as sent; `nil` where the field is no file.
        package var filename: String?
        package var type: String?
        /// How its bytes are encoded, where they do not stand there as they are: `base64`, for example.
        package var encoding: String?
        package var content: Data
    }

    package var fields: [Field]

    /// The most fields of a form.
    package static let mostFields = 16
    fileprivate static let longestHeaders = 4096

    /// - Parameter boundary: the Content-Type's parameter, 1 to 70 characters.
    /// - Throws: what makes the body no form.
    package init(_ body: Data, boundary: String) throws(MultipartError) {
        guard (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ (0x20...0x7e).contains($0) }),
            boundary.last != " "
        else { throw .badBoundary }
        let delimiter = Data("--\(boundary)".utf8)
        let next = Data("\r\n--\(boundary)".utf8)
        let bare = Data("\n--\(boundary)".utf8)
        fields = []

        // What stands before the first delimiter is a preamble, to be passed over.
        var rest: Data
        if body.starts(with: delimiter) {
            rest = body.dropFirst(delimiter.count)
        } else if let first = body.range(of: next) {
            rest = body[first.upperBound...]
        } else {
            throw body.range(of: bare) == nil ? .noDelimiter : .bareLineFeeds
        }
        while true {
            if rest.starts(with: Data("--".utf8)) { return }
            // White space after a delimiter is allowed (RFC 2046, transport padding).
            rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
            guard rest.starts(with: Self.lineBreak) else {
                throw rest.first == 0x0a ? .bareLineFeeds : .badDelimiter
            }
            rest = rest.dropFirst(2)
            guard let end = rest.range(of: next) else {
                throw rest.range(of: bare) == nil ? .notClosed : .bareLineFeeds
            }
            guard fields.count < Self.mostFields else { throw .tooManyFields }
            fields.append(try Field(rest[..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
    }

    fileprivate static let lineBreak = Data("\r\n".utf8)
    fileprivate static let blankLine = Data("\r\n\r\n".utf8)
}

extension MultipartForm.Field {
    /// - Parameter part: what stands between two delimiters: headers, a blank line, the content.
    fileprivate init(_ part: Data) throws(MultipartError) {
        guard !part.starts(with: MultipartForm.lineBreak) else { throw .unnamedField }
        let start = part.prefix(MultipartForm.longestHeaders)
        guard let end = start.range(of: MultipartForm.blankLine) else {
            throw start.range(of: Data("\n\n".utf8)) == nil ? .badHeaders : .bareLineFeeds
        }
        var disposition: HeaderParameters?
        for (name, value) in try Self.headers(part[..<end.lowerBound]) {
            switch name {
            case "content-disposition":
                guard disposition == nil, value.prefix(while: { $0 != ";" }).trimmed.lowercased() == "form-data" else {
                    throw .unnamedField
                }
                disposition = HeaderParameters(value.drop { $0 != ";" })
            case "content-type":
                guard type == nil else { throw .badHeaders }
                type = String(value)
            case "content-transfer-encoding" where !["binary", "8bit", "7bit"].contains(value.lowercased()):
                encoding = String(value)
            default: break
            }
        }
        let names = disposition?.values(of: "name") ?? []
        guard let name = names.first, names.count == 1 else { throw .unnamedField }
        self.name = name
        filename = disposition?.values(of: "filename").first
        content = Data(part[end.upperBound...])
    }

    /// Names in lower case, with their values; lines that begin with white space go on with the one before.
    ///
    /// What is no UTF-8 is replaced by U+FFFD: only the names of files are sent in other encodings.
    private static func headers(_ head: Data) throws(MultipartError) -> [(name: String, value: Substring)] {
        var lines: [String] = []
        var rest = head
        while true {
            let end = rest.range(of: MultipartForm.lineBreak)
            let line = rest[..<(end?.lowerBound ?? rest.endIndex)]
            guard !line.contains(0x0a), !line.contains(0x0d) else { throw .badHeaders }
            let text = String(decoding: line, as: UTF8.self)
            if line.first == 0x20 || line.first == 0x09, let last = lines.indices.last {
                lines[last] += text
            } else {
                lines.append(text)
            }
            guard let end else { break }
            rest = rest[end.upperBound...]
        }
        return try lines.map { line throws(MultipartError) -> (name: String, value: Substring) in
            guard let colon = line.firstIndex(of: ":") else { throw .badHeaders }
            return (line[..<colon].lowercased(), line[line.index(after: colon)...].trimmed)
        }
    }
}

/// Why a body is no form.
package enum MultipartError: Error, Hashable {
    case badBoundary, noDelimiter, badDelimiter, notClosed, bareLineFeeds, tooManyFields, badHeaders, unnamedField
}

extension MultipartError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badBoundary: "The boundary that the Content-Type names is not 1 to 70 visible ASCII characters."
        case .noDelimiter: "The form does not contain its boundary."
        case .badDelimiter: "A boundary of the form is not followed by a line break."
        case .notClosed: "The form ends before its last boundary."
        case .bareLineFeeds: "The form's lines end in LF alone: they must end in CRLF."
        case .tooManyFields: "The form has more than \(MultipartForm.mostFields) fields."
        case .badHeaders: "A field of the form has headers that cannot be read."
        case .unnamedField: "A field of the form does not have exactly one name."
        }
    }
}
