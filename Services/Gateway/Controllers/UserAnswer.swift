package import FoundationEssentials
package import Messages

/// What is known of a user, as the API tells it.
package struct UserAnswer: Codable, Hashable, Sendable {
    package var id: UserID
    package var since: Date
    package var faces: Int

    package init(_ answer: UserDescribed) {
        id = answer.user
        since = Date(timeIntervalSince1970: answer.since)
        faces = answer.faces
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

/// One row of the paper's `/goData`.
package struct NamedLink: Codable, Hashable, Sendable {
    package var name: String
    package var url: String
}
