/// The answer to a selfie: the last fact of the trip.
package struct Recommended: Message, Codable, Hashable {
    package static let name = "recommended"

    package var analysis: FaceAnalysis
    package var person: Person
    package var recommendations: [Recommendation]
    /// The published ALS version that the collaborative ones come from, if there is one yet.
    package var version: Int?

    package init(analysis: FaceAnalysis, person: Person, recommendations: [Recommendation], version: Int?) {
        self.analysis = analysis
        self.person = person
        self.recommendations = recommendations
        self.version = version
    }
}
