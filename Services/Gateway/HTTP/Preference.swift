package import HTTPTypes

/// What a client prefers (RFC 7240): an answer later, and how long to wait for one now.
package struct Preference: Hashable, Sendable {
    /// `respond-async`: accept the job and answer 202.
    package var respondsAsync = false
    /// `wait=N`, in seconds; unreasonable values are passed over, as the RFC has it.
    package var wait: Duration?

    package init(_ headers: HTTPFields) {
        let preferences = headers[values: .prefer].flatMap { $0.splitOutsideQuotes(at: ",") }
        for preference in preferences {
            // Parameters of a preference follow semicolons; an empty value is as good as none.
            let token = preference.splitOutsideQuotes(at: ";")[0]
            let sides = token.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
            let value = sides.count == 2 ? sides[1].unquoted : ""
            switch sides[0].lowercased() {
            case "respond-async" where value.isEmpty:
                respondsAsync = true
            case "wait" where wait == nil:
                if let seconds = Int(value), (0...86_400).contains(seconds) { wait = .seconds(seconds) }
            default: break
            }
        }
    }
}

extension Preference {
    /// How long to wait: as preferred, otherwise `usual`, and never longer than `limit`.
    func wait(usually usual: Duration, atMost limit: Duration) -> Duration {
        min(wait ?? usual, limit)
    }
}

extension HTTPField.Name {
    static let prefer = Self("Prefer")!
    static let preferenceApplied = Self("Preference-Applied")!
    static let secFetchSite = Self("Sec-Fetch-Site")!
    static let idempotencyKey = Self("Idempotency-Key")!
}
