package import Broker
internal import Database
package import Logging
internal import Messages
internal import Metrics

/// Identity's part of every trip that passes here.
package struct IdentityStage: StageHandler {
    private let recogniser: Recogniser
    private let logger: Logger

    package init(recogniser: Recogniser, logger: Logger) {
        self.recogniser = recogniser
        self.logger = logger
    }

    package func handle(_ jobs: [Job]) async -> [Outcome] {
        var outcomes = [Outcome?](repeating: nil, count: jobs.count)
        var selfies: [(index: Int, face: FaceDetected)] = []
        for (index, job) in jobs.enumerated() {
            do {
                switch job.header.trip {
                case .selfie:
                    selfies.append((index, try job.envelope.decode(FaceDetected.self)))
                case .user:
                    outcomes[index] = try await describe(try job.envelope.decode(UserRequested.self).user)
                case .erasure:
                    let request = try job.envelope.decode(ErasureRequested.self)
                    outcomes[index] = .completed(try await recogniser.erase(request, submitted: job.header.submitted))
                case .analysis, .recommendations, .click:
                    throw EnvelopeError.unexpectedType(job.envelope.type)
                }
            } catch {
                outcomes[index] = outcome(of: error, job: job)
            }
        }
        let people = await recogniser.recognise(
            selfies.map { selfie in
                Candidate(
                    job: jobs[selfie.index].id, submitted: jobs[selfie.index].header.submitted,
                    template: selfie.face.template, quality: selfie.face.analysis.face.quality,
                    declaredNew: selfie.face.request.declaredNew)
            })
        for (selfie, person) in zip(selfies, people) {
            switch person {
            case .success(let person):
                Counter(label: "mien_identity_people_total", dimensions: [("standing", person.standing.rawValue)])
                    .increment()
                outcomes[selfie.index] = .completed(
                    PersonIdentified(request: selfie.face.request, analysis: selfie.face.analysis, person: person))
            case .failure(let error):
                outcomes[selfie.index] = outcome(of: error, job: jobs[selfie.index])
            }
        }
        return outcomes.map { $0 ?? .failed(Failure(.internalError, "The job was passed over.", stage: .identity)) }
    }

    private func describe(_ user: UserID) async throws -> Outcome {
        guard let described = try await recogniser.describe(user) else {
            return .failed(Failure(.unknownUser, "There is no user \(user).", stage: .identity))
        }
        return .completed(described)
    }

    private func outcome(of error: any Error, job: Job) -> Outcome {
        logger.warning(
            "Job failed", metadata: ["job.id": "\(job.id)", "job.trip": "\(job.header.trip)", "error": "\(error)"])
        return switch error {
        case let error as EnvelopeError: .unreadable(error)
        case let error as DatabaseError where error.isOutage:
            .unavailable(Failure(.unavailable, "The database of faces cannot be reached just now.", stage: .identity))
        case let error as DatabaseError where error.isTransient:
            .retry(Failure(.unavailable, "The database of faces is busy just now.", stage: .identity))
        case RecognitionError.otherNetwork:
            .retry(Failure(.unavailable, "The face networks are being changed just now.", stage: .identity))
        default: .failed(Failure(.internalError, "The face could not be compared.", stage: .identity))
        }
    }
}
