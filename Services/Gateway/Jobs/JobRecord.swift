package import FoundationEssentials
package import Messages

/// An accepted job, as the database remembers it and the API tells it.
package struct JobRecord: Encodable, Sendable {
    package enum State: String, Encodable, Sendable {
        case queued, done, failed
    }

    package var id: JobID
    package var trip: Trip
    package var state: State
    package var created: Date
    package var finished: Date?
    /// What a job that is done has brought; an erasure brings nothing.
    package var result: JobResult?
    /// Why a job failed.
    package var problem: Problem?
}

/// What a job has brought.
package enum JobResult: Encodable, Sendable {
    case selfie(SelfieAnswer)
    case analysis(AnalysisAnswer)
    case faces(FacesAnswer)
    case merge(MergeAnswer)

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .selfie(let answer): try answer.encode(to: encoder)
        case .analysis(let answer): try answer.encode(to: encoder)
        case .faces(let answer): try answer.encode(to: encoder)
        case .merge(let answer): try answer.encode(to: encoder)
        }
    }
}
