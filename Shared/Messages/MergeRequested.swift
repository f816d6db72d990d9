/// Somebody said that two users are one person, or that they are two after all. Nothing of either is lost: a merge is an alias.
package struct MergeRequested: Message, Codable, Hashable {
    package static let name = "merge-requested"

    /// Whom both are from now on.
    package var user: UserID
    package var other: UserID
    /// Whether an earlier merge is to be undone.
    package var isUndone: Bool

    package init(user: UserID, other: UserID, isUndone: Bool = false) {
        self.user = user
        self.other = other
        self.isUndone = isUndone
    }
}
