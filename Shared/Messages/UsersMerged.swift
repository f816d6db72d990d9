/// Identity joined users to one person, or parted them. Every later stage does the same with what it keeps, and passes the fact
/// on; the last one's is the answer.
package struct UsersMerged: Message, Codable, Hashable {
    package static let name = "users-merged"

    /// Users who are one person; all that is kept of the others counts as the first one's.
    package struct Person: Codable, Hashable, Sendable {
        package var user: UserID
        /// Aliases of the user; empty when there are none.
        package var merged: [UserID]

        package init(user: UserID, merged: [UserID]) {
            self.user = user
            self.merged = merged
        }
    }

    /// Everybody concerned, as they stand now: one person after a merge; after it was undone two, the one asked about first.
    package var people: [Person]
    /// Grows with every merge and every undoing. What comes late, after one with a greater number, has been overtaken.
    package var sequence: Int64

    package init(people: [Person], sequence: Int64) {
        self.people = people
        self.sequence = sequence
    }
}
