package import FoundationEssentials

/// The answer to a `user` trip: all that is kept of a user. Identity begins it, the recommender adds what it keeps.
package struct UserDescribed: Message, Codable, Hashable {
    package static let name = "user-described"

    /// A vector of the user's face that is kept.
    package struct Template: Codable, Hashable, Sendable {
        package var added: Date
        /// The version of the network that made it.
        package var version: String
        /// Why it is kept: `enrolment`, by a `claim` or a `search`, or `migration` from an earlier network.
        package var by: String

        package init(added: Date, version: String, by: String) {
            self.added = added
            self.version = version
            self.by = by
        }
    }

    /// That the user agreed to be recognised.
    package struct Consent: Codable, Hashable, Sendable {
        /// Of the text that they were shown.
        package var version: String
        package var at: Date

        package init(version: String, at: Date) {
            self.version = version
            self.at = at
        }
    }

    /// Whom the user asked about is.
    package var user: UserID
    /// When the user's first face was enrolled, in seconds since 1970.
    package var since: Double
    /// How many face templates are kept.
    package var faces: Int
    /// They, the oldest first; `nil` from an earlier build.
    package var templates: [Template]?
    /// Further ids of the same person; `nil` where there are none.
    package var merged: [UserID]?
    /// The latest text that they agreed to; `nil` where no client said so.
    package var consent: Consent?
    /// What the recommender keeps; `nil` when it knows nothing of the user.
    package var viewer: ViewerRecord?

    package init(
        user: UserID, since: Double, faces: Int, templates: [Template]? = nil, merged: [UserID]? = nil,
        consent: Consent? = nil, viewer: ViewerRecord? = nil
    ) {
        self.user = user
        self.since = since
        self.faces = faces
        self.templates = templates
        self.merged = merged
        self.consent = consent
        self.viewer = viewer
    }
}
