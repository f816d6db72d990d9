/// The value of a Content-Type header: `type/subtype; name=value`.
package struct ContentType: Hashable, Sendable {
    /// `type/subtype`, in lower case.
    package var essence: String
    /// By lower-case name.
    package var parameters: [String: String] = [:]

    /// `nil` when the text is no media type.
    package init?(_ text: String) {
        var pieces = Self.split(text[...])[...]
        guard let essence = pieces.popFirst()?.trimmed.lowercased() else { return nil }
        let halves = essence.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isTokenByte) }) else {
            return nil
        }
        self.essence = essence
        for piece in pieces where !piece.trimmed.isEmpty {
            let sides = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { return nil }
            let name = sides[0].trimmed.lowercased()
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte), parameters[name] == nil,
                let value = Self.value(sides[1].trimmed)
            else { return nil }
            parameters[name] = value
        }
    }

    /// Whether a picture may be sent under this type. What the bytes are is for vision to see.
    package var mayBePicture: Bool {
        essence == "application/octet-stream" || essence.hasPrefix("image/")
    }

    /// Splits at the semicolons outside quotes.
    private static func split(_ text: Substring) -> [Substring] {
        var pieces: [Substring] = []
        var start = text.startIndex
        var quoted = false
        var escaped = false
        for index in text.indices {
            switch text[index] {
            case _ where escaped: escaped = false
            case "\\" where quoted: escaped = true
            case "\"": quoted.toggle()
            case ";" where !quoted:
                pieces.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        return pieces + [text[start...]]
    }

    /// A token, or the text of a quoted string.
    private static func value(_ text: Substring) -> String? {
        guard text.first == "\"" else {
            return !text.isEmpty && text.utf8.allSatisfy(isTokenByte) ? String(text) : nil
        }
        guard text.count >= 2, text.last == "\"" else { return nil }
        var value = ""
        var escaped = false
        for character in text.dropFirst().dropLast() {
            if !escaped, character == "\\" {
                escaped = true
            } else {
                if !escaped, character == "\"" { return nil }
                value.append(character)
                escaped = false
            }
        }
        return escaped ? nil : value
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
