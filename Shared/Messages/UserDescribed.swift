/// The answer to a `user` trip.
package struct UserDescribed: Message, Codable, Hashable {
    package static let name = "user-described"

    package var user: UserID
    /// When the user's first face was enrolled, in seconds since 1970.
    package var since: Double
    /// How many face templates are kept.
    package var faces: Int

    package init(user: UserID, since: Double, faces: Int) {
        self.user = user
        self.since = since
        self.faces = faces
    }
}
