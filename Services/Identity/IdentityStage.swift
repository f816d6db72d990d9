internal import Broker
internal import Database
internal import Logging
internal import Messages

/// Identity's part of the trips: says whose a face is, describes a user, erases one.
struct IdentityStage: StageHandler {
    let recogniser: Recogniser
    let store: Store
    let logger: Logger

    func handle(_ jobs: [Job]) async -> [Outcome] {
        var outcomes = [Outcome?](repeating: nil, count: jobs.count)
        var selfies: [(index: Int, message: FaceDetected, sighting: Sighting)] = []
        for (index, job) in jobs.enumerated() {
            do throws(EnvelopeError) {
                switch job.header.trip {
                case .selfie:
                    let message = try job.envelope.decode(FaceDetected.self)
                    if message.template.version == store.version {
                        selfies.append((index, message, try sighting(message, job)))
                    } else {
                        outcomes[index] = otherVersion(message, job)
                    }
                case .user:
                    outcomes[index] = await describe(try job.envelope.decode(UserRequested.self).user, job)
                case .erasure:
                    outcomes[index] = await erase(try job.envelope.decode(ErasureRequested.self), job)
                case .analysis, .recommendations, .click:
                    throw .unexpectedType(job.envelope.type)
                }
            } catch {
                outcomes[index] = .unreadable(error)
            }
        }
        let persons = await recogniser.recognise(selfies.map(\.sighting))
        for (selfie, person) in zip(selfies, persons) {
            switch person {
            case .success(let person):
                outcomes[selfie.index] = .completed(
                    PersonIdentified(
                        request: selfie.message.request, analysis: selfie.message.analysis, person: person))
            case .failure(let error):
                outcomes[selfie.index] = outcome(of: error, jobs[selfie.index])
            }
        }
        return outcomes.map { outcome in
            guard let outcome else { preconditionFailure("every job has an outcome") }
            return outcome
        }
    }

    /// The face to recognise, brought to unit length.
    private func sighting(_ message: FaceDetected, _ job: Job) throws(EnvelopeError) -> Sighting {
        let values = message.template.values
        let length = values.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        guard values.count == store.width, length.isFinite, length > 1e-6 else {
            throw .undecodable(
                type: FaceDetected.name, reason: "the template is not a vector of \(store.width) numbers")
        }
        return Sighting(
            job: job.id, template: values.map { $0 / length }, quality: message.analysis.face.quality,
            declaredNew: message.request.declaredNew)
    }

    /// While a network is being replaced, vision and identity may run different versions for a moment.
    private func otherVersion(_ message: FaceDetected, _ job: Job) -> Outcome {
        logger.warning(
            "face of another network version",
            metadata: [
                "job.id": "\(job.id)", "template.version": "\(message.template.version)",
                "gallery.version": "\(store.version)",
            ])
        return .retry(Failure(.unavailable, "The identity network is being replaced; try again.", stage: .identity))
    }

    private func describe(_ user: UserID, _ job: Job) async -> Outcome {
        do {
            guard let described = try await store.describe(user) else {
                return .failed(Failure(.unknownUser, "There is no user \(user).", stage: .identity))
            }
            return .completed(described)
        } catch {
            return outcome(of: error, job)
        }
    }

    private func erase(_ request: ErasureRequested, _ job: Job) async -> Outcome {
        do {
            try await store.erase(request.user)
            return .completed(request)
        } catch {
            return outcome(of: error, job)
        }
    }

    private func outcome(of error: any Error, _ job: Job) -> Outcome {
        switch error {
        case is ErasedJob:
            return .failed(Failure(.unknownUser, "This person has been erased since.", stage: .identity))
        case let error as DatabaseError where error.isTransient:
            logger.info(
                "database in the way of a job", metadata: ["job.id": "\(job.id)", "database.error": "\(error)"])
            return .retry(Failure(.unavailable, "The database is unavailable; try again.", stage: .identity))
        case is CancellationError:
            return .retry(Failure(.unavailable, "Identity is stopping; try again.", stage: .identity))
        default:
            logger.error("job failed", metadata: ["job.id": "\(job.id)", "error": "\(error)"])
            return .failed(Failure(.internalError, "Identity failed on this job.", stage: .identity))
        }
    }
}
