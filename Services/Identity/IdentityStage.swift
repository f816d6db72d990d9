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

    package func handle(_ jobs: [Envelope]) async -> [Outcome] {
        var outcomes = [Outcome?](repeating: nil, count: jobs.count)
        var selfies: [(index: Int, face: FaceDetected, probe: Probe)] = []
        for (index, job) in jobs.enumerated() {
            do {
                switch job.header.trip {
                case .selfie:
                    let face = try job.decode(FaceDetected.self)
                    if let refusal = face.refusal {
                        let person = Person(standing: .uncertain, user: nil, distance: nil, reason: refusal)
                        outcomes[index] = identified(person, by: face)
                    } else if let template = face.template {
                        let probe = Probe(
                            job: job.id, submitted: job.header.submitted,
                            templates: [template, face.previous].compactMap(\.self),
                            declared: face.request.declaration, claims: face.request.claims)
                        selfies.append((index, face, probe))
                    } else {
                        throw EnvelopeError.undecodable(
                            type: FaceDetected.name, reason: "neither a template nor why there is none")
                    }
                case .user:
                    outcomes[index] = try await describe(try job.decode(UserRequested.self).user)
                case .erasure:
                    let request = try job.decode(ErasureRequested.self)
                    outcomes[index] = .completed(
                        try await recogniser.erase(request, job: job.id, submitted: job.header.submitted))
                case .merge:
                    outcomes[index] = .completed(try await recogniser.merge(try job.decode(MergeRequested.self)))
                case .analysis, .faces, .recommendations, .click, .feedback:
                    throw EnvelopeError.unexpectedType(job.type)
                }
            } catch {
                outcomes[index] = outcome(of: error, job: job)
            }
        }
        let people = await recogniser.recognise(selfies.map(\.probe))
        for (selfie, person) in zip(selfies, people) {
            switch person {
            case .success(let person):
                outcomes[selfie.index] = await agreed(person, by: selfie.face, jobs[selfie.index])
            case .failure(let error):
                outcomes[selfie.index] = outcome(of: error, job: jobs[selfie.index])
            }
        }
        return outcomes.map { $0 ?? .failed(Failure(.internalError, "The job was passed over.", stage: .identity)) }
    }

    /// A person identified, once it is kept by which text they agreed: a worker lost in between leaves the job to another.
    private func agreed(_ person: Person, by face: FaceDetected, _ job: Envelope) async -> Outcome {
        do {
            if let user = person.user, let text = face.request.consent {
                try await recogniser.agree(user, to: text, at: job.header.submitted)
            }
        } catch let error as DatabaseError where error.isOutage && person.standing == .returning {
            // Who returns is known without the database, agreed before, and says so again with the next picture.
            logger.warning("An agreement is not kept", metadata: ["job.id": "\(job.id)", "error": "\(error)"])
        } catch {
            return outcome(of: error, job: job)
        }
        return identified(person, by: face)
    }

    private func identified(_ person: Person, by face: FaceDetected) -> Outcome {
        Counter(label: "mien_identity_people_total", dimensions: [("standing", person.standing.rawValue)]).increment()
        var request = face.request
        // Nobody behind here needs to know whom the client remembers.
        request.claims = []
        return .completed(PersonIdentified(request: request, analysis: face.analysis, person: person))
    }

    private func describe(_ user: UserID) async throws -> Outcome {
        guard let described = try await recogniser.describe(user) else {
            return .failed(.unknown(user))
        }
        return .completed(described)
    }

    private func outcome(of error: any Error, job: Envelope) -> Outcome {
        logger.warning(
            "Job failed", metadata: ["job.id": "\(job.id)", "job.trip": "\(job.header.trip)", "error": "\(error)"])
        return switch error {
        case let error as EnvelopeError: .unreadable(error)
        case let error as DatabaseError where error.isOutage:
            .unavailable(Failure(.unavailable, "The database of faces cannot be reached just now.", stage: .identity))
        case let error as DatabaseError where error.isTransient:
            .retry(Failure(.unavailable, "The database of faces is busy just now.", stage: .identity))
        case Merges.MergeError.unknown(let user): .failed(.unknown(user))
        case Merges.MergeError.sameUser:
            .failed(Failure(.malformedRequest, "A user cannot be merged with themselves.", stage: .identity))
        case RecognitionError.otherNetwork:
            .retry(Failure(.unavailable, "The face networks are being changed just now.", stage: .identity))
        default: .failed(Failure(.internalError, "The face could not be compared.", stage: .identity))
        }
    }
}

extension SelfieRequest {
    /// Nothing where both are said.
    fileprivate var declaration: Declaration? {
        switch (declaredNew, declaredKnown) {
        case (true, false): .isNew
        case (false, true): .isKnown
        default: nil
        }
    }
}

extension Failure {
    fileprivate static func unknown(_ user: UserID) -> Failure {
        Failure(.unknownUser, "There is no user \(user).", stage: .identity)
    }
}
