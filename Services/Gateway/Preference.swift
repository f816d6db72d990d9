package import HTTPTypes

/// What a client prefers (RFC 7240): an answer later, and how long to wait for one now.
package struct Preference: Hashable, Sendable {
    /// `respond-async`: accept the job and answer 202.
    package var respondsAsync = false
    /// `wait=N`, in seconds; unreasonable values are passed over, as the RFC has it.
    package var wait: Duration?

    package init(_ headers: HTTPFields) {
        let preferences = headers[values: .prefer].flatMap { $0.split(separator: ",") }
        for preference in preferences {
            let token = preference.split(separator: ";", omittingEmptySubsequences: false)[0]
            let parts = token.split(separator: "=", maxSplits: 1).map { $0.trimmed.lowercased() }
            switch parts.first {
            case "respond-async" where parts.count == 1:
                respondsAsync = true
            case "wait" where parts.count == 2 && wait == nil:
                let text = parts[1].hasPrefix("\"") ? String(parts[1].dropFirst().dropLast()) : parts[1]
                if let seconds = Int(text), (0...86_400).contains(seconds) { wait = .seconds(seconds) }
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

extension Substring {
    /// Without the spaces and tabs around it.
    var trimmed: Substring {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
