package import FoundationEssentials

/// A picture was sent to be looked at: the only message that carries one.
package struct ImageSubmitted: Message, Hashable {
    package static let name = "image-submitted"

    package var request: SelfieRequest
    /// The file as uploaded: JPEG or PNG.
    package var image: Data

    package init(request: SelfieRequest, image: Data) {
        self.request = request
        self.image = image
    }

    /// A big-endian 32-bit length, that many bytes of JSON (the request), then the picture's bytes as they came.
    package func encoded() throws -> Data {
        let facts = try JSONEncoder().encode(request)
        var data = Data(capacity: 4 + facts.count + image.count)
        withUnsafeBytes(of: UInt32(facts.count).bigEndian) { data.append(contentsOf: $0) }
        data.append(facts)
        data.append(image)
        return data
    }

    package init(encoded: Data) throws {
        let bytes = encoded[...]
        guard bytes.count >= 4 else { throw ImageSubmittedError.truncated }
        let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - 4 else { throw ImageSubmittedError.truncated }
        let body = bytes.dropFirst(4)
        request = try JSONDecoder().decode(SelfieRequest.self, from: Data(body.prefix(length)))
        image = Data(body.dropFirst(length))
    }
}

/// Why bytes are not an `ImageSubmitted`.
package enum ImageSubmittedError: Error {
    case truncated
}

/// What a client said beside the picture.
package struct SelfieRequest: Hashable, Sendable {
    /// How many claims count, the first ones.
    package static let claimsLimit = 8

    /// The video on the page while the picture was taken, if any: then the expression rates it.
    package var watching: Watching?
    /// The person said that they are new, which settles an uncertain match.
    package var declaredNew: Bool
    /// The person said that they are known, which settles it the other way.
    package var declaredKnown: Bool
    /// Who it may be, by what the client remembers, the likeliest first: these are compared before everybody else.
    package var claims: [UserID]
    /// What the videos by mood are to do with the mood; `nil` is as good as `match`.
    package var want: MoodWish?
    /// The version of the text by which the person agreed to be recognised; `nil` where the client did not say.
    package var consent: String?

    package init(
        watching: Watching? = nil, declaredNew: Bool = false, declaredKnown: Bool = false, claims: [UserID] = [],
        want: MoodWish? = nil, consent: String? = nil
    ) {
        self.watching = watching
        self.declaredNew = declaredNew
        self.declaredKnown = declaredKnown
        self.claims = claims
        self.want = want
        self.consent = consent
    }
}

extension SelfieRequest: Codable {
    private enum CodingKeys: CodingKey {
        case watching, declaredNew, declaredKnown, claims, want, consent
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            watching: try container.decodeIfPresent(Watching.self, forKey: .watching),
            declaredNew: try container.decode(Bool.self, forKey: .declaredNew),
            // Earlier builds did not write these.
            declaredKnown: try container.decodeIfPresent(Bool.self, forKey: .declaredKnown) ?? false,
            claims: try container.decodeIfPresent([UserID].self, forKey: .claims) ?? [],
            want: try container.decodeIfPresent(MoodWish.self, forKey: .want),
            consent: try container.decodeIfPresent(String.self, forKey: .consent))
    }

    /// What earlier builds did not write is left out where it says nothing: the bytes of such a request, by which one sent again
    /// is known, stay as they were.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(watching, forKey: .watching)
        try container.encode(declaredNew, forKey: .declaredNew)
        if declaredKnown { try container.encode(true, forKey: .declaredKnown) }
        if !claims.isEmpty { try container.encode(claims, forKey: .claims) }
        try container.encodeIfPresent(want, forKey: .want)
        try container.encodeIfPresent(consent, forKey: .consent)
    }
}

/// A video playing, and which playing of it: reactions count at most once a session.
package struct Watching: Codable, Hashable, Sendable {
    package var video: VideoID
    /// The page's name for this playing of the video; empty when the client gave none.
    package var session: String

    package init(video: VideoID, session: String) {
        self.video = video
        self.session = session
    }
}
