/// Somebody asks about a user; the trip says what.
package struct UserRequested: Message, Codable, Hashable {
    package static let name = "user-requested"

    package var user: UserID
    /// What recommended videos by mood are to do with the mood; `nil` is as good as `match`.
    package var want: MoodWish?

    package init(user: UserID, want: MoodWish? = nil) {
        self.user = user
        self.want = want
    }
}
