package import FoundationEssentials

/// All that the recommender keeps of a user as such; sums and recommendations follow from it.
package struct ViewerRecord: Codable, Hashable, Sendable {
    /// How the user last looked, and when that was.
    package struct Visit: Codable, Hashable, Sendable {
        package var name: MoodName
        package var at: Date

        package init(_ name: MoodName, at: Date) {
            self.name = name
            self.at = at
        }
    }

    /// One playing of a video while the user was looked at.
    package struct Watched: Codable, Hashable, Sendable {
        package var videoId: VideoID
        package var title: String
        /// 1 for enjoyed, otherwise 0.
        package var rating: Int
        package var at: Date

        package init(_ video: NamedVideo, rating: Int, at: Date) {
            (videoId, title) = (video.videoId, video.title)
            self.rating = rating
            self.at = at
        }
    }

    /// One click on a video.
    package struct Chosen: Codable, Hashable, Sendable {
        package var videoId: VideoID
        package var title: String
        package var at: Date

        package init(_ video: NamedVideo, at: Date) {
            (videoId, title) = (video.videoId, video.title)
            self.at = at
        }
    }

    /// What the user said of a video.
    package struct Said: Codable, Hashable, Sendable {
        package var videoId: VideoID
        package var title: String
        package var kind: FeedbackKind
        package var at: Date

        package init(_ video: NamedVideo, _ kind: FeedbackKind, at: Date) {
            (videoId, title) = (video.videoId, video.title)
            self.kind = kind
            self.at = at
        }
    }

    package var mood: Visit
    /// The oldest first, as all of these.
    package var watched: [Watched]
    package var chosen: [Chosen]
    package var feedback: [Said]
    /// The current version of recommendations, where it has some for the user.
    package var version: Int?

    package init(mood: Visit, watched: [Watched], chosen: [Chosen], feedback: [Said], version: Int?) {
        self.mood = mood
        self.watched = watched
        self.chosen = chosen
        self.feedback = feedback
        self.version = version
    }
}
