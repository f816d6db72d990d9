/// A user asked to be forgotten. Every stage of the trip erases what it owns and passes the fact on.
package struct ErasureRequested: Message, Codable, Hashable {
    package static let name = "erasure-requested"

    package var user: UserID

    package init(user: UserID) {
        self.user = user
    }
}
