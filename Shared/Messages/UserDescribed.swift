package import FoundationEssentials

/// The answer to a `user` trip: all that is kept of a user. Identity begins it, the recommender adds what it keeps.
package struct UserDescribed: Message, Codable, Hashable {
    package static let name = "user-described"

    /// A vector of the user's face that is kept.
    package struct Template: Codable, Hashable, Sendable {
        package var added: Date
        /// The version of the network that made it.
        package var version: String

        package init(added: Date, version: String) {
            self.added = added
            self.version = version
        }
    }

    package var user: UserID
    /// When the user's first face was enrolled, in seconds since 1970.
    package var since: Double
    /// How many face templates are kept.
    package var faces: Int
    /// They, the oldest first; `nil` from an earlier build.
    package var templates: [Template]?
    /// What the recommender keeps; `nil` when it knows nothing of the user.
    package var viewer: ViewerRecord?

    package init(user: UserID, since: Double, faces: Int, templates: [Template]? = nil, viewer: ViewerRecord? = nil) {
        self.user = user
        self.since = since
        self.faces = faces
        self.templates = templates
        self.viewer = viewer
    }
}
