import FoundationEssentials
import Messages

/// Decides where a stage sends what it makes.
///
/// A value without I/O: the whole of a worker's routing is here, and all of it comes from the trip's closed list.
struct Dispatcher: Sendable {
    let stage: StageName
    let settings: StageSettings

    /// What becomes of a job that the stage has worked on.
    ///
    /// - Parameter timing: what is added to the job's timings.
    func settlement(
        of job: Job, from delivery: Delivery, _ outcome: Outcome, timing: StageTiming, now: Date
    ) -> Settlement {
        var header = job.header
        // The results stage is no part of the answer that it stores.
        if stage != .gateway { header.timings.append(timing) }
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
            let destination = Destination.suspects(stage, header.urgency)
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
        do throws(BrokerError) {
            let publication =
                if let next = header.trip.stage(after: stage) {
                    try Publication(fact, header: header, to: .stage(next, header.urgency), now: now)
                } else {
                    try answer(fact, header, now: now)
                }
            return Settlement(result: .completed, publications: publication.map { [$0] } ?? [])
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
        _ failure: Failure, _ job: Job, answering header: JobHeader, _ delivery: Delivery, now: Date
    ) -> Settlement {
        var next = job.header
        let delay = settings.delay(after: next.attempt, next.urgency)
        let isInTime = next.deadline.map { .seconds($0.timeIntervalSince(now)) > delay } ?? true
        guard next.attempt < settings.attempts(next.urgency) else {
            let failure = Failure(.attemptsExhausted, failure.detail, stage: stage)
            return exhausted(failure, header, delivery, now: now)
        }
        guard isInTime else { return exhausted(failure, header, delivery, now: now) }
        next.attempt += 1
        let destination = Destination.delayed(stage, next.urgency, delay)
        guard let again = again(delivery, next, to: destination, now: now) else { return Settlement(result: .expired) }
        return Settlement(result: .retried, failure: failure.kind, publications: [again])
    }

    private func putOff(
        _ failure: Failure, _ job: Job, answering header: JobHeader, _ delivery: Delivery, _ timing: StageTiming,
        now: Date
    ) -> Settlement {
        var next = job.header
        next.waits += 1
        let delay: Duration
        switch next.urgency {
        case .accepted: delay = settings.outageDelay(after: next.waits)
        case .interactive:
            delay = settings.delay(after: next.waits, .interactive)
            // Finding that it is away may take as long again.
            let needed = delay + .milliseconds(timing.worked)
            let isInTime = next.deadline.map { .seconds($0.timeIntervalSince(now)) > needed } ?? true
            guard isInTime, next.attempt + next.waits <= settings.interactiveAttempts else {
                return Settlement(
                    result: .failed, failure: failure.kind, publications: answers(failure, header, delivery, now: now))
            }
        }
        let destination = Destination.delayed(stage, next.urgency, delay)
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
        return again(delivery, header, to: .delayed(stage, header.urgency, delay), now: now)
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

extension Dispatcher {
    /// To whoever waits for a job's answer; `nil` when nobody does.
    private func answer(
        _ fact: any Message, _ header: JobHeader, now: Date
    ) throws(BrokerError) -> Publication? {
        switch (stage, header.urgency, header.gateway) {
        case (.gateway, _, _): return nil
        case (_, .accepted, _):
            var header = header
            header.beginStage()
            return try Publication(fact, header: header, to: .stage(.gateway, .accepted), now: now)
        case (_, .interactive, let gateway?):
            return try Publication(fact, header: header, to: .answer(gateway), now: now)
        case (_, .interactive, nil): return nil
        }
    }

    /// The failure as an answer; nothing once the deadline has passed.
    private func answers(_ failure: Failure, _ header: JobHeader, _ delivery: Delivery, now: Date) -> [Publication] {
        // The results stage answers itself: its job has failed, unless this is what could not be written down.
        if stage == .gateway {
            guard delivery.properties.type != Failure.name else { return [] }
            var header = header
            header.beginStage()
            return (try? Publication(failure, header: header, to: .stage(.gateway, .accepted), now: now)).map { [$0] }
                ?? []
        }
        return (try? answer(failure, header, now: now)).flatMap { $0 }.map { [$0] } ?? []
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
