/// What counts how much beside a reaction of 1, so that r = max(0, reactions + click · clicks + like · likes); what is not for
/// somebody weighs -∞, whatever else they did with the video.
package struct RatingWeights: Sendable, Hashable {
    package var click: Float
    package var like: Float

    package init(click: Float = 1, like: Float = 2) {
        self.click = click
        self.like = like
    }

    /// All reactions, clicks and feedback, in SQL: user_id, video, rating and at, one row each.
    var ratings: String { "recommender.ratings(\(click)::real, \(like)::real)" }
}
