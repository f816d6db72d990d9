/// One video to watch, and why it is there.
package struct Recommendation: Codable, Hashable, Sendable {
    /// Where a recommendation comes from.
    package enum Source: String, Codable, Hashable, Sendable {
        /// The user's row of the current ALS version.
        case collaborative
        /// Found by the mood's keywords.
        case mood
        /// What most people enjoy: fills what the others leave empty.
        case popular
    }

    /// From 1, best first.
    package var rank: Int
    package var video: VideoID
    package var title: String
    package var url: String
    package var source: Source
    /// Predicted preference for `collaborative` (about 0...1), the position's weight 1/rank for `mood`, people who chose it for `popular`.
    package var score: Float
    /// For `collaborative`: the rated videos that contributed most (Hu et al. 2008, section 5), strongest first.
    package var because: [VideoID]?
    /// Their titles, in the same order; `nil` from an earlier build.
    package var becauseTitles: [String]?

    package init(
        rank: Int, video: VideoID, title: String, source: Source, score: Float, because: [NamedVideo]? = nil
    ) {
        self.rank = rank
        self.video = video
        self.title = title
        self.url = video.url
        self.source = source
        self.score = score
        self.because = because?.map(\.videoId)
        becauseTitles = because?.map(\.title)
    }
}
