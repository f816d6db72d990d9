/// The answer to a `recommendations` trip.
package struct RecommendationsListed: Message, Codable, Hashable {
    package static let name = "recommendations-listed"

    package var user: UserID
    package var recommendations: [Recommendation]
    package var version: Int?

    package init(user: UserID, recommendations: [Recommendation], version: Int?) {
        self.user = user
        self.recommendations = recommendations
        self.version = version
    }
}
