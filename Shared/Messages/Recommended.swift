/// The answer to a selfie: the last fact of the trip.
package struct Recommended: Message, Codable, Hashable {
    package static let name = "recommended"

    package var analysis: FaceAnalysis
    package var person: Person
    package var recommendations: [Recommendation]
    /// The published ALS version that the collaborative ones come from, if there is one yet.
    package var version: Int?
    /// What became of the analysis's reaction; `nil` without one, or from a recommender that does not say.
    package var reaction: ReactionFate?

    package init(
        analysis: FaceAnalysis, person: Person, recommendations: [Recommendation], version: Int?,
        reaction: ReactionFate? = nil
    ) {
        self.analysis = analysis
        self.person = person
        self.recommendations = recommendations
        self.version = version
        self.reaction = reaction
    }
}

/// What the recommender made of a reaction.
package enum ReactionFate: String, Codable, Hashable, Sendable {
    /// It counts as the session's rating, or an earlier one of the session that is as good does.
    case stored
    /// The video is none that was ever recommended, so that there is nothing to rate.
    case unknownVideo = "unknown_video"
    /// Nobody is known to whom it would belong.
    case unknownPerson = "unknown_person"
}
