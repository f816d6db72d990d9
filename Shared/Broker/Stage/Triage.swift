import FoundationEssentials
import Messages

/// What is to be done with a delivery, before any work.
enum Triage: Hashable, Sendable {
    case work(Envelope)
    /// Nobody waits for its answer any more.
    case expired(JobHeader)
    /// It was with a worker that was lost: it goes to the suspects, under this header.
    case suspect(JobHeader)
    /// As many workers as are allowed were lost while they worked on it alone.
    case exhausted(JobHeader)
    /// This build cannot read it; the header, where that at least can be read.
    case unreadable(reason: String, JobHeader?)
}

extension Triage {
    init(_ delivery: Delivery, stage: StageName, settings: StageSettings, now: Date) {
        guard let text = delivery.properties.header else {
            self = .unreadable(reason: "The message has no job header.", nil)
            return
        }
        let header: JobHeader
        switch HeaderCoding.decode(text) {
        case .header(let readable): header = readable
        case .newer(let schema, let readable):
            let reason = "Schema \(schema) is newer than this worker's \(JobHeader.currentSchema)."
            self = .unreadable(reason: reason, readable)
            return
        case .unreadable:
            self = .unreadable(reason: "The job header cannot be read.", nil)
            return
        }
        let isSuspect = delivery.queue == Queue.suspects(stage, header.reply.urgency).name
        guard header.stages.contains(stage),
            isSuspect || delivery.queue == Queue.jobs(stage, header.reply.urgency).name
        else {
            self = .unreadable(reason: "The job's trip does not pass here.", header)
            return
        }
        if let deadline = header.reply.deadline, deadline <= now {
            self = .expired(header)
            return
        }
        guard delivery.isRedelivered else {
            self = .work(Envelope(header: header, type: delivery.properties.type, body: delivery.body))
            return
        }
        // Of what a lost worker had taken from the queue of jobs, most was only waiting in its hands, and no count of
        // the broker's tells which. A suspect is begun as soon as it is taken, and alone: that loss is its own.
        var suspect = header
        if isSuspect { suspect.losses += 1 }
        self = suspect.losses >= settings.losses(header.reply.urgency) ? .exhausted(header) : .suspect(suspect)
    }
}
