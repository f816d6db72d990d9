/// Somebody asks about a user; the trip says what.
package struct UserRequested: Message, Codable, Hashable {
    package static let name = "user-requested"

    package var user: UserID

    package init(user: UserID) {
        self.user = user
    }
}
