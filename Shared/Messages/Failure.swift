/// Why a job has no answer. The one error that crosses queues; the gateway's table maps it to HTTP.
package struct Failure: Message, Codable, Hashable, Error {
    package static let name = "failed"

    package enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// A parameter or a body the API does not understand.
        case malformedRequest = "malformed-request"
        case emptyBody = "empty-body"
        /// Not a picture, or of a type not accepted.
        case unsupportedMediaType = "unsupported-media-type"
        /// More bytes or more pixels than allowed.
        case tooLarge = "too-large"
        /// A picture that is cut short or damaged.
        case corruptImage = "corrupt-image"
        case noFace = "no-face"
        case unknownUser = "unknown-user"
        case unknownVideo = "unknown-video"
        case unknownJob = "unknown-job"
        /// The broker or the database is away, or a queue is full: try again later.
        case unavailable
        case deadlinePassed = "deadline-passed"
        /// The job was given to workers that died or failed on it, as often as allowed.
        case attemptsExhausted = "attempts-exhausted"
        case internalError = "internal-error"
    }

    package var kind: Kind
    /// One sentence for the person who sent the request.
    package var detail: String
    /// The stage that gave up, if one had the job.
    package var stage: StageName?

    package init(_ kind: Kind, _ detail: String, stage: StageName? = nil) {
        self.kind = kind
        self.detail = detail
        self.stage = stage
    }
}
