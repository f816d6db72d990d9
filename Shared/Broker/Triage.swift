import FoundationEssentials
import Messages

/// What is to be done with a delivery, before any work.
enum Triage: Hashable, Sendable {
    case work(Job)
    /// Nobody waits for its answer any more.
    case expired(JobHeader)
    /// An interactive job whose worker was lost. The broker does not count how often, so it goes back with the next
    /// attempt's number on it.
    case again(JobHeader)
    /// Its workers were lost as often as allowed.
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
        guard stage == .gateway || header.trip.stages.contains(stage),
            delivery.queue == Queue.jobs(stage, header.urgency).name
        else {
            self = .unreadable(reason: "The job's trip does not pass here.", header)
            return
        }
        if let deadline = header.deadline, deadline <= now {
            self = .expired(header)
            return
        }
        let isLost =
            switch header.urgency {
            case .interactive: delivery.isRedelivered && header.attempt >= settings.interactiveDeliveries
            case .accepted: delivery.properties.deliveryCount >= settings.acceptedDeliveries
            }
        if isLost {
            self = .exhausted(header)
        } else if header.urgency == .interactive, delivery.isRedelivered {
            self = .again(header)
        } else {
            self = .work(Job(Envelope(header: header, type: delivery.properties.type, body: delivery.body)))
        }
    }
}
