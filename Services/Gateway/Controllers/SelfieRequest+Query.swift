import Hummingbird
package import HummingbirdCore
package import Messages

extension SelfieRequest {
    /// What a request's query says beside the picture.
    ///
    /// - Throws: `malformedRequest`.
    package init(_ uri: URI) throws(Failure) {
        let query = uri.queryParameters
        self.init()
        if let text = query["playing"] {
            guard let video = VideoID(String(text)) else {
                throw Failure(.malformedRequest, "The parameter playing is a video id: eleven letters, digits, - or _.")
            }
            watching = Watching(video: video, session: try Self.name("session", in: query) ?? "")
        }
        switch query["as"] {
        case nil: break
        case "new": declaredNew = true
        case "known": declaredKnown = true
        default: throw Failure(.malformedRequest, "The parameter as can only be new or known.")
        }
        want = try MoodWish(uri)
        consent = try Self.name("consent", in: query)
        guard consent != "" else { throw Failure(.malformedRequest, "The parameter consent names the text agreed to.") }
        for text in query[values: "claim"] {
            guard let user = UserID(String(text)) else {
                throw Failure(.malformedRequest, "The parameter claim is a user id, a UUID.")
            }
            claims.append(user)
        }
        guard claims.count <= Self.claimsLimit else {
            throw Failure(.malformedRequest, "The parameter claim may be given \(Self.claimsLimit) times at most.")
        }
    }

    /// Adds whom the client's cookie names, behind the query's claims and as far as there is room.
    package mutating func claim(_ people: [UserID]) {
        claims = Array((claims + people.filter { !claims.contains($0) }).prefix(Self.claimsLimit))
    }

    /// A parameter that the client may choose.
    private static func name(_ key: Substring, in query: Parameters) throws(Failure) -> String? {
        guard let text = query[key].map(String.init) else { return nil }
        guard text.utf8.count <= 64, text.utf8.allSatisfy(Self.isNameByte) else {
            throw Failure(.malformedRequest, "The parameter \(key) is up to 64 letters, digits, dots, - or _.")
        }
        return text
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

extension MoodWish {
    /// The query's parameter `want`; `nil` without one.
    ///
    /// - Throws: `malformedRequest`.
    init?(_ uri: URI) throws(Failure) {
        guard let text = uri.queryParameters["want"] else { return nil }
        guard let wish = MoodWish(rawValue: String(text)) else {
            throw Failure(.malformedRequest, "The parameter want is match or lift.")
        }
        self = wish
    }
}
