package import Messages

/// The answer to a selfie, as the API tells it.
package struct SelfieAnswer: Codable, Hashable, Sendable {
    /// Who it is, or that this cannot be told.
    package struct User: Codable, Hashable, Sendable {
        package var id: UserID?
        package var status: Person.Standing
        package var by: Person.Means?
        package var distance: Float?
        package var reason: Person.Reason?
        package var sameAs: [UserID]?
    }

    package var job: JobID
    package var user: User
    package var face: Face
    package var image: PixelSize
    package var mood: Mood
    package var reaction: ReactionAnswer?
    package var recommendations: [RecommendedVideo]
    package var recommendationVersion: Int?
    package var models: [String: String]
    package var timings: [Timing]

    package init(_ answer: Recommended, header: JobHeader) {
        job = header.job
        user = User(
            id: answer.person.user, status: answer.person.standing, by: answer.person.by,
            distance: answer.person.distance, reason: answer.person.reason, sameAs: answer.person.sameAs)
        face = answer.analysis.face
        image = answer.analysis.image
        mood = answer.analysis.mood
        reaction = answer.analysis.reaction.map { ReactionAnswer($0, fate: answer.reaction) }
        recommendations = answer.recommendations.map(RecommendedVideo.init)
        recommendationVersion = answer.version
        models = answer.analysis.models
        timings = header.timings.map(Timing.init)
    }
}

/// How the video playing was liked, and whether that was kept.
package struct ReactionAnswer: Codable, Hashable, Sendable {
    package var rating: Int
    package var distance: Float
    package var reference: String
    /// Whether the play session has a rating now, this one or an earlier one as good.
    package var stored: Bool?
    /// Why it has none.
    package var reason: ReactionFate?

    package init(_ reaction: Reaction, fate: ReactionFate?) {
        rating = reaction.rating
        distance = reaction.distance
        reference = reaction.reference
        stored = fate.map { $0 == .stored }
        reason = fate == .stored ? nil : fate
    }
}

/// The answer to an analysis: what is seen, and nobody's name.
package struct AnalysisAnswer: Codable, Hashable, Sendable {
    package var job: JobID
    package var face: Face
    package var image: PixelSize
    package var mood: Mood
    package var reaction: Reaction?
    package var models: [String: String]
    package var timings: [Timing]

    package init(_ answer: FaceAnalysed, header: JobHeader) {
        job = header.job
        face = answer.analysis.face
        image = answer.analysis.image
        mood = answer.analysis.mood
        reaction = answer.analysis.reaction
        models = answer.analysis.models
        timings = header.timings.map(Timing.init)
    }
}

/// The answer to an analysis of all faces: where they are.
package struct FacesAnswer: Codable, Hashable, Sendable {
    package var job: JobID
    package var image: PixelSize
    package var faces: [Face]
    package var timings: [Timing]

    package init(_ answer: FacesFound, header: JobHeader) {
        job = header.job
        image = answer.image
        faces = answer.faces
        timings = header.timings.map(Timing.init)
    }
}

/// One recommendation, as the API tells it.
package struct RecommendedVideo: Codable, Hashable, Sendable {
    package var rank: Int
    package var videoId: VideoID
    package var title: String
    package var url: String
    package var source: Recommendation.Source
    package var score: Float
    package var because: [NamedVideo]?

    package init(_ recommendation: Recommendation) {
        rank = recommendation.rank
        videoId = recommendation.video
        title = recommendation.title
        url = recommendation.url
        source = recommendation.source
        score = recommendation.score
        because = recommendation.because.map { videos in
            zip(videos, recommendation.becauseTitles ?? videos.map(\.rawValue)).map { NamedVideo($0, title: $1) }
        }
    }
}

/// How long a stage had a job, in milliseconds.
package struct Timing: Codable, Hashable, Sendable {
    package var stage: StageName
    package var queuedMs: Double
    package var workedMs: Double

    package init(_ timing: StageTiming) {
        stage = timing.stage
        queuedMs = timing.queued
        workedMs = timing.worked
    }
}
