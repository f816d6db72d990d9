package import Messages

/// Six different videos and why each is there, built up source by source.
package struct Shortlist: Sendable {
    package static let size = 6
    /// How many of them are collaborative for somebody who has rows.
    package static let collaborative = 3

    package private(set) var recommendations: [Recommendation] = []
    private var excluded: Set<VideoID>

    /// A list that never takes a video of `excluded`.
    package init(excluding excluded: Set<VideoID>) {
        self.excluded = excluded
    }

    package var isFull: Bool { recommendations.count >= Self.size }
    /// How many are still to be found.
    package var missing: Int { max(0, Self.size - recommendations.count) }
    /// What must not come any more: what is excluded and what is already there.
    package var taken: Set<VideoID> { excluded }

    /// Appends the first videos that are new to the list, no more than fit.
    package mutating func append(
        _ videos: [Scored], from source: Recommendation.Source, because: [VideoID: [NamedVideo]] = [:]
    ) {
        var left = missing
        for scored in videos where left > 0 && excluded.insert(scored.video.id).inserted {
            left -= 1
            recommendations.append(
                Recommendation(
                    rank: recommendations.count + 1, video: scored.video.id, title: scored.video.title, source: source,
                    score: scored.score, because: because[scored.video.id]))
        }
    }

    /// Lets excluded videos come after all, for when everything else is used up; `video` stays out.
    package mutating func readmit(_ videos: Set<VideoID>, but video: VideoID?) {
        excluded.subtract(videos.subtracting(recommendations.map(\.video)).subtracting(video.map { [$0] } ?? []))
    }
}
