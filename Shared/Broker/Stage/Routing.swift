import FoundationEssentials
import Messages

/// Decides where a stage sends what it makes.
///
/// A value without I/O: the whole of a worker's routing is here, and all of it comes from the trip's closed list.
struct Routing: Sendable {
    let stage: StageName
    let settings: StageSettings

    /// What becomes of a job that the stage has worked on.
    ///
    /// - Parameter timing: what is added to the job's timings.
    func settlement(
        of job: Envelope, from delivery: Delivery, _ outcome: Outcome, timing: StageTiming, now: Date
    ) -> Settlement {
        var header = job.header
        header.timings.append(timing)
        switch outcome {
        case .done: return Settlement(result: .completed)
        case .completed(let fact): return completed(fact, header, delivery, now: now)
        case .failed(let failure): return failed(failure, header, delivery, now: now)
        case .retry(let failure): return retried(failure, job, answering: header, delivery, now: now)
        case .unavailable(let failure): return putOff(failure, job, answering: header, delivery, timing, now: now)
        case .unreadable(let error): return unreadable(error.description, header, delivery, now: now)
        }
    }

    /// What becomes of a delivery that is not worked on; `nil` for one that is.
    func settlement(of delivery: Delivery, _ triage: Triage, now: Date) -> Settlement? {
        switch triage {
        case .work: return nil
        case .expired: return Settlement(result: .expired)
        case .suspect(let header):
            let destination = Destination.suspects(stage, header.reply.urgency)
            guard let again = again(delivery, header, to: destination, now: now) else {
                return Settlement(result: .expired)
            }
            return Settlement(result: .redelivered, publications: [again])
        case .exhausted(let header):
            let failure = Failure(
                .attemptsExhausted, "The workers that worked on this job were lost, as often as is allowed.",
                stage: stage)
            return exhausted(failure, header, delivery, now: now)
        case .unreadable(let reason, let header): return unreadable(reason, header, delivery, now: now)
        }
    }

    private func completed(_ fact: any Message, _ header: JobHeader, _ delivery: Delivery, now: Date) -> Settlement {
        var header = header
        header.beginStage()
        let next = header.stage(after: stage).map { Destination.stage($0, header.reply.urgency) }
        guard let destination = next ?? .answer(header.reply) else { return Settlement(result: .completed) }
        do throws(BrokerError) {
            let publication = try Publication(fact, header: header, to: destination, now: now)
            return Settlement(result: .completed, publications: [publication])
        } catch .deadlinePassed {
            return Settlement(result: .expired)
        } catch {
            return failed(Failure(.internalError, error.description, stage: stage), header, delivery, now: now)
        }
    }

    private func failed(_ failure: Failure, _ header: JobHeader, _ delivery: Delivery, now: Date) -> Settlement {
        // A result that cannot be stored must be seen by an operator too.
        let dead = stage == .gateway ? [deadLetter(delivery, reason: failure.detail)] : []
        let publications = dead + answers(failure, header, delivery, now: now)
        return Settlement(result: .failed, failure: failure.kind, publications: publications)
    }

    private func retried(
        _ failure: Failure, _ job: Envelope, answering header: JobHeader, _ delivery: Delivery, now: Date
    ) -> Settlement {
        var next = job.header
        let delay = settings.delay(after: next.attempt, next.reply.urgency)
        let isInTime = next.reply.deadline.map { .seconds($0.timeIntervalSince(now)) > delay } ?? true
        guard next.attempt < settings.attempts(next.reply.urgency) else {
            let failure = Failure(.attemptsExhausted, failure.detail, stage: stage)
            return exhausted(failure, header, delivery, now: now)
        }
        guard isInTime else { return exhausted(failure, header, delivery, now: now) }
        next.attempt += 1
        let destination = Destination.delayed(stage, next.reply.urgency, delay)
        guard let again = again(delivery, next, to: destination, now: now) else { return Settlement(result: .expired) }
        return Settlement(result: .retried, failure: failure.kind, publications: [again])
    }

    private func putOff(
        _ failure: Failure, _ job: Envelope, answering header: JobHeader, _ delivery: Delivery, _ timing: StageTiming,
        now: Date
    ) -> Settlement {
        var next = job.header
        next.waits += 1
        let delay: Duration
        switch next.reply {
        case .accepted: delay = settings.outageDelay(after: next.waits)
        case .interactive(let deadline, _):
            delay = settings.delay(after: next.waits, .interactive)
            // Finding that it is away may take as long again.
            let needed = delay + .milliseconds(timing.worked)
            guard .seconds(deadline.timeIntervalSince(now)) > needed,
                next.attempt + next.waits <= settings.interactiveAttempts
            else {
                return Settlement(
                    result: .failed, failure: failure.kind, publications: answers(failure, header, delivery, now: now))
            }
        }
        let destination = Destination.delayed(stage, next.reply.urgency, delay)
        guard let again = again(delivery, next, to: destination, now: now) else { return Settlement(result: .expired) }
        return Settlement(result: .retried, failure: failure.kind, publications: [again])
    }

    /// What becomes of an accepted job whose result could not be sent for long: it is done again later. `nil` for one
    /// that has no readable header.
    func putOff(_ delivery: Delivery, now: Date) -> Publication? {
        guard let text = delivery.properties.header, case .header(let header) = HeaderCoding.decode(text) else {
            return nil
        }
        let delay = settings.outageDelay(after: .max)
        return again(delivery, header, to: .delayed(stage, header.reply.urgency, delay), now: now)
    }

    private func exhausted(_ failure: Failure, _ header: JobHeader, _ delivery: Delivery, now: Date) -> Settlement {
        let dead = deadLetter(delivery, reason: "\(failure.kind.rawValue): \(failure.detail)")
        return Settlement(
            result: .exhausted, failure: failure.kind,
            publications: [dead] + answers(failure, header, delivery, now: now))
    }

    private func unreadable(_ reason: String, _ header: JobHeader?, _ delivery: Delivery, now: Date) -> Settlement {
        var publications = [deadLetter(delivery, reason: reason)]
        if var header {
            header.schema = JobHeader.currentSchema
            let failure = Failure(.internalError, "A worker could not read the job's message.", stage: stage)
            publications += answers(failure, header, delivery, now: now)
        }
        return Settlement(result: .unreadable, failure: .internalError, publications: publications)
    }
}

// MARK: - Publications

extension Routing {
    /// The failure as an answer, or to be stored; nothing once the deadline has passed.
    private func answers(_ failure: Failure, _ header: JobHeader, _ delivery: Delivery, now: Date) -> [Publication] {
        // What could not be stored is not sent to be stored again.
        guard delivery.properties.type != Failure.name else { return [] }
        var header = header
        header.beginStage()
        let destination = Destination.answer(header.reply) ?? .stage(.gateway, .accepted)
        return (try? Publication(failure, header: header, to: destination, now: now)).map { [$0] } ?? []
    }

    /// The same message with a new header; `nil` once the deadline has passed.
    private func again(
        _ delivery: Delivery, _ header: JobHeader, to destination: Destination, now: Date
    ) -> Publication? {
        try? Publication(
            delivery.properties.type, contentType: delivery.properties.contentType, body: delivery.body,
            header: header, to: destination, now: now)
    }

    /// The message just as it came; of an interactive job, which nobody can take up again, without its body: that may be a picture
    /// or a face.
    private func deadLetter(_ delivery: Delivery, reason: String) -> Publication {
        let isAccepted = [Queue.jobs(stage, .accepted).name, Queue.suspects(stage, .accepted).name]
            .contains(delivery.queue)
        return Publication(
            destination: .dead(stage, isAccepted ? .accepted : .interactive), type: delivery.properties.type,
            contentType: delivery.properties.contentType, job: delivery.properties.correlationID,
            header: delivery.properties.header, body: isAccepted ? delivery.body : Data(), isPersistent: true,
            reason: reason)
    }
}
