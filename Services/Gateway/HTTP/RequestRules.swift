import HTTPTypes
package import NIOHTTP1

/// What RFC 9110 and RFC 9112 ask of a request's head before anybody may act on it.
package enum RequestRules {
    /// The most bytes of a request's target.
    package static let longestTarget = 8192

    /// Checks a head and brings its target and host into their one plain form: a path with its query in the target, the host in
    /// the header Host, no unreserved character percent-encoded.
    ///
    /// - Throws: why the request is refused; how much follows it is not known then.
    package static func apply(to head: inout HTTPRequestHead) throws(Problem) {
        guard head.method != .CONNECT else {
            throw Problem(.notImplemented, "The method CONNECT is for proxies, and this is none.")
        }
        guard head.uri.utf8.count <= longestTarget else {
            throw Problem(.uriTooLong, "The request's target is longer than \(longestTarget) bytes.")
        }
        try checkFraming(head)
        try setTarget(&head)
        try checkHost(head)
        guard head.headers["expect"].allSatisfy({ $0.lowercased() == "100-continue" }) else {
            throw Problem(.expectationFailed, "The only expectation that can be met is 100-continue.")
        }
    }

    private static func checkFraming(_ head: HTTPRequestHead) throws(Problem) {
        let codings = head.headers[canonicalForm: "transfer-encoding"].map { $0.lowercased() }.filter { !$0.isEmpty }
        guard head.headers.contains(name: "transfer-encoding") else { return }
        if let unknown = codings.first(where: { $0 != "chunked" }) {
            throw Problem(
                .notImplemented, "The transfer coding \(unknown.prefix(100)) is not known here: only chunked is.")
        }
        guard codings == ["chunked"], head.version.minor > 0, !head.headers.contains(name: "content-length") else {
            throw Problem(.badRequest, "The request does not say clearly where its body ends.")
        }
    }

    private static func setTarget(_ head: inout HTTPRequestHead) throws(Problem) {
        if head.uri.hasPrefix("/") || head.uri == "*" && head.method == .OPTIONS {
            head.uri = plain(head.uri)
            return
        }
        // The absolute form, as a proxy is asked. Its host counts and not the header's.
        let scheme = head.uri.lowercased().prefix { $0 != "/" }
        guard scheme == "http:" || scheme == "https:", head.uri.dropFirst(scheme.count).hasPrefix("//") else {
            throw Problem(.badRequest, "The request's target is neither a path nor a URL.")
        }
        let rest = head.uri.dropFirst(scheme.count + 2)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest[authority.endIndex...]
        head.headers.replaceOrAdd(name: "host", value: String(authority))
        head.uri = plain(path.hasPrefix("/") ? String(path) : "/\(path)")
    }

    private static func checkHost(_ head: HTTPRequestHead) throws(Problem) {
        let hosts = head.headers["host"]
        guard let host = hosts.first, hosts.count == 1, Authority(host) != nil else {
            throw Problem(
                .badRequest,
                hosts.isEmpty
                    ? "The request has no Host: it must say whom it is for."
                    : "The request must name exactly one host in its header Host.")
        }
    }

    /// A path in which the characters that mean the same with and without percent-encoding (RFC 3986, 2.3) stand without; its
    /// query is left alone.
    private static func plain(_ target: String) -> String {
        let path = target.prefix { $0 != "?" }
        guard path.utf8.contains(UInt8(ascii: "%")) else { return target }
        var bytes: [UInt8] = []
        var rest = Array(path.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"),
                let decoded = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                rest.count >= 2, isUnreserved(decoded)
            {
                bytes.append(decoded)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self) + target[path.endIndex...]
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension Problem {
    /// Why bytes are no request.
    ///
    /// - Parameter startLine: how its first line begins and how long that is.
    package init(_ error: HTTPParserError, startLine: StartLineWatch) {
        switch error {
        case .headerOverflow:
            self =
                startLine.length > RequestRules.longestTarget
                ? Problem(.uriTooLong, "The request's target is longer than \(RequestRules.longestTarget) bytes.")
                : Problem(.requestHeaderFieldsTooLarge, "The request's headers are larger than they may be.")
        case .invalidMethod where startLine.beginsWithMethod:
            self = Problem(.notImplemented, "The request's method is not known here.")
        case .invalidVersion, .paused:
            self = Problem(.httpVersionNotSupported, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        case .invalidEOFState:
            self = Problem(.badRequest, "The connection's other side ended before the request was whole.")
        default:
            self = Problem(.badRequest, "What was sent is no HTTP request.")
        }
    }
}
