/// A user said what they think of a video, or took that back; stored, it is the answer too.
package struct FeedbackGiven: Message, Codable, Hashable {
    package static let name = "feedback-given"

    package var user: UserID
    package var video: VideoID
    /// `nil` takes back what was said before.
    package var kind: FeedbackKind?

    package init(user: UserID, video: VideoID, kind: FeedbackKind?) {
        self.user = user
        self.video = video
        self.kind = kind
    }
}

/// What a user may say of a video; the later word counts.
package enum FeedbackKind: String, Codable, Hashable, Sendable, CaseIterable {
    case like
    /// Never to be recommended again.
    case notForMe = "not_for_me"
}
