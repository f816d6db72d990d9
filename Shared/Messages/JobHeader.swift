package import FoundationEssentials

/// What travels with every message of a job, beside its body.
package struct JobHeader: Codable, Hashable, Sendable {
    /// The version of the messages that this build writes and the newest that it reads.
    package static let currentSchema = 1

    /// The version of the messages' form. A worker parks what is newer than it knows.
    package var schema: Int
    package var job: JobID
    package var trip: Trip
    package var urgency: Urgency
    /// When the answer is worth nothing any more. Accepted jobs have none.
    package var deadline: Date?
    /// The gateway to whom an interactive job's answer returns. Accepted jobs have none.
    package var gateway: GatewayID?
    /// When this message was handed to the broker; the next stage's waiting time counts from here.
    package var published: Date
    /// How often the current stage has been tried, from 1.
    package var attempt: Int
    /// The stages passed so far, in order.
    package var timings: [StageTiming]

    package init(
        job: JobID, trip: Trip, urgency: Urgency, deadline: Date?, gateway: GatewayID?, published: Date,
        attempt: Int = 1, timings: [StageTiming] = [], schema: Int = JobHeader.currentSchema
    ) {
        self.schema = schema
        self.job = job
        self.trip = trip
        self.urgency = urgency
        self.deadline = deadline
        self.gateway = gateway
        self.published = published
        self.attempt = attempt
        self.timings = timings
    }
}

/// How long one stage took over a job.
package struct StageTiming: Codable, Hashable, Sendable {
    package var stage: StageName
    /// Milliseconds between publishing to the stage's queue and the start of work.
    package var queued: Double
    /// Milliseconds of work, the waiting for others of its batch included.
    package var worked: Double

    package init(stage: StageName, queued: Double, worked: Double) {
        self.stage = stage
        self.queued = queued
        self.worked = worked
    }
}
