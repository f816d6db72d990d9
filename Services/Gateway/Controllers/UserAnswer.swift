package import FoundationEssentials
package import Messages

/// All that is kept of a user, as the API tells it.
package struct UserAnswer: Codable, Hashable, Sendable {
    package var id: UserID
    package var since: Date
    package var faces: Int
    package var templates: [UserDescribed.Template]
    package var merged: [UserID]
    package var consent: UserDescribed.Consent?
    package var mood: ViewerRecord.Visit?
    package var watched: [ViewerRecord.Watched]
    package var chosen: [ViewerRecord.Chosen]
    package var feedback: [ViewerRecord.Said]
    package var recommendationsVersion: Int?

    package init(_ answer: UserDescribed) {
        id = answer.user
        since = Date(timeIntervalSince1970: answer.since)
        faces = answer.faces
        templates = answer.templates ?? []
        merged = answer.merged ?? []
        consent = answer.consent
        mood = answer.viewer?.mood
        watched = answer.viewer?.watched ?? []
        chosen = answer.viewer?.chosen ?? []
        feedback = answer.viewer?.feedback ?? []
        recommendationsVersion = answer.viewer?.version
    }
}

/// A known user's current six, as the API tells them.
package struct RecommendationsAnswer: Codable, Hashable, Sendable {
    package struct User: Codable, Hashable, Sendable {
        package var id: UserID
    }

    package var user: User
    package var recommendations: [RecommendedVideo]
    package var recommendationVersion: Int?

    package init(_ answer: RecommendationsListed) {
        user = User(id: answer.user)
        recommendations = answer.recommendations.map(RecommendedVideo.init)
        recommendationVersion = answer.version
    }
}

/// Who a person is after a merge or its undoing, as the API tells it.
package struct MergeAnswer: Codable, Hashable, Sendable {
    package var user: UserID
    /// Further ids of theirs.
    package var merged: [UserID]

    /// `nil` for an answer about nobody.
    package init?(_ answer: UsersMerged) {
        guard let person = answer.people.first else { return nil }
        user = person.user
        merged = person.merged
    }
}

/// One row of the paper's `/goData`.
package struct NamedLink: Codable, Hashable, Sendable {
    package var name: String
    package var url: String

    /// What stands there for somebody who comes for the first time, as on the page.
    static let opening = [
        ("ZbZSe6N_BXs", "Pharrell Williams - Happy"), ("Rv9hn4IGofM", "Iguana vs Snakes - Planet Earth II"),
        ("vmDDOFXSgAs", "Dave Brubeck - Take Five"),
    ].map { NamedLink(name: $1, url: "https://www.youtube.com/watch?v=\($0)") }
}
