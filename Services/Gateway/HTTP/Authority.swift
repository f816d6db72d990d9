/// A host and perhaps a port, as the header Host and the targets of requests name them.
package struct Authority: Hashable, Sendable {
    /// In lower case; an IPv6 address stands in brackets.
    package var host: String
    package var port: Int?

    /// `nil` when the text is no authority: empty, with a user's name, with a port that is none.
    package init?(_ text: some StringProtocol) {
        let text = text.lowercased()
        let end: String.Index
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            end = text.index(after: bracket)
        } else {
            end = text.firstIndex(of: ":") ?? text.endIndex
        }
        let host = text[..<end]
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isHostByte) else { return nil }
        // A name may end in the root's dot.
        self.host = String(host.count > 1 && host.last == "." ? host.dropLast() : host)
        var rest = text[end...]
        guard !rest.isEmpty else { return }
        guard rest.removeFirst() == ":", rest.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        if rest.isEmpty { return }
        guard let port = Int(rest), (0...65_535).contains(port) else { return nil }
        self.port = port
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "-._~%!$&'()*+,;=[]:".utf8.contains(byte)
        }
    }
}
