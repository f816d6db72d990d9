/// The parameters that follow a header's value, `; name=value`, read as leniently as senders write them.
///
/// Not all write tokens and quoted strings (RFC 9110): `=`, spaces and letters beyond ASCII stand outside quotes, and quotes
/// inside quotes without a backslash. Whoever reads a parameter judges its value; the others decide nothing.
package struct HeaderParameters: Hashable, Sendable {
    package struct Parameter: Hashable, Sendable {
        /// In lower case.
        package var name: String
        package var value: String
    }

    /// In the order of the header.
    package var all: [Parameter] = []

    /// - Parameter text: what stands behind the header's value, from its first semicolon on.
    package init(_ text: some StringProtocol) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            rest = rest.drop { $0 == Self.semicolon || Self.isSpace($0) }
            let name = rest.prefix { $0 != Self.semicolon && $0 != Self.equals }
            rest = rest.dropFirst(name.count)
            guard rest.first == Self.equals else { continue }
            rest = rest.dropFirst().drop(while: Self.isSpace)
            if rest.first == Self.quote {
                rest = rest.dropFirst()
                guard let end = Self.closingQuote(rest) else { return }
                append(name, Self.unescaped(rest[..<end]))
                rest = rest[end...].dropFirst()
            } else {
                let value = rest.prefix { $0 != Self.semicolon }
                append(name, value)
                rest = rest.dropFirst(value.count)
            }
        }
    }

    /// The values of a parameter; more than one when it is given more than once.
    package func values(of name: String) -> [String] {
        all.filter { $0.name == name }.map(\.value)
    }

    private mutating func append(_ name: ArraySlice<UInt8>, _ value: some Collection<UInt8>) {
        let name = String(decoding: name, as: UTF8.self)[...].trimmed.lowercased()
        let value = String(decoding: value, as: UTF8.self)[...].trimmed
        if !name.isEmpty { all.append(Parameter(name: name, value: String(value))) }
    }

    /// The quote that ends a quoted value: the first that no backslash escapes and that only a semicolon or nothing follows.
    /// Where all are escaped, the backslash belonged to the value, as in the file names of old Windows browsers.
    private static func closingQuote(_ text: ArraySlice<UInt8>) -> Int? {
        var isEscaped = false
        var escaped: Int?
        for index in text.indices {
            switch text[index] {
            case quote where endsValue(text[(index + 1)...]):
                if !isEscaped { return index }
                escaped = escaped ?? index
                isEscaped = false
            case backslash: isEscaped.toggle()
            default: isEscaped = false
            }
        }
        return escaped
    }

    private static func endsValue(_ rest: ArraySlice<UInt8>) -> Bool {
        let next = rest.first { !isSpace($0) }
        return next == nil || next == semicolon
    }

    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var value: [UInt8] = []
        var isEscaped = false
        for byte in text {
            if byte == backslash, !isEscaped {
                isEscaped = true
            } else {
                value.append(byte)
                isEscaped = false
            }
        }
        return value
    }

    private static let semicolon = UInt8(ascii: ";")
    private static let equals = UInt8(ascii: "=")
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
