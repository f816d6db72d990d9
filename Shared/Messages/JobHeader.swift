package import FoundationEssentials

/// What travels with every message of a job, beside its body.
package struct JobHeader: Codable, Hashable, Sendable {
    /// How long it is remembered that somebody was erased. A job that comes later than so long after its submission may be
    /// about somebody of whom that is forgotten, and stores nothing. A dead letter is kept for a day, what waits until it is
    /// done.
    package static let longestLife = Duration.seconds(30 * 86_400)

    /// The version of the messages that this build writes and the newest that it reads.
    package static let currentSchema = 1

    /// The version of the messages' form. A worker parks what is newer than it knows.
    package var schema: Int
    package var job: JobID
    package var trip: Trip
    package var reply: Reply
    /// When the request came in: what happened since, as an erasure, may count against what was sent before.
    package var submitted: Date
    /// When this message was handed to the broker; the next stage's waiting time counts from here.
    package var published: Date
    /// How often the current stage has been tried, from 1. Neither waits nor losses count.
    package var attempt: Int
    /// How often the current stage has put the job off because what it needs was away.
    package var waits: Int
    /// How many workers of the current stage were lost while they worked on this job alone.
    package var losses: Int
    /// The stages passed so far, in order.
    package var timings: [StageTiming]

    package init(
        job: JobID, trip: Trip, reply: Reply, published: Date, submitted: Date? = nil, attempt: Int = 1,
        waits: Int = 0, losses: Int = 0, timings: [StageTiming] = [], schema: Int = JobHeader.currentSchema
    ) {
        self.schema = schema
        self.job = job
        self.trip = trip
        self.reply = reply
        self.submitted = submitted ?? published
        self.published = published
        self.attempt = attempt
        self.waits = waits
        self.losses = losses
        self.timings = timings
    }
}

extension JobHeader {
    private enum CodingKeys: String, CodingKey {
        case schema, job, trip, submitted, published, attempt, waits, losses, timings
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            job: try container.decode(JobID.self, forKey: .job), trip: try container.decode(Trip.self, forKey: .trip),
            reply: try Reply(from: decoder),
            published: try container.decode(Date.self, forKey: .published),
            // Earlier builds did not write it, nor waits and losses.
            submitted: try container.decodeIfPresent(Date.self, forKey: .submitted),
            attempt: try container.decode(Int.self, forKey: .attempt),
            waits: try container.decodeIfPresent(Int.self, forKey: .waits) ?? 0,
            losses: try container.decodeIfPresent(Int.self, forKey: .losses) ?? 0,
            timings: try container.decode([StageTiming].self, forKey: .timings),
            schema: try container.decode(Int.self, forKey: .schema))
    }

    package func encode(to encoder: any Encoder) throws {
        try reply.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(schema, forKey: .schema)
        try container.encode(job, forKey: .job)
        try container.encode(trip, forKey: .trip)
        try container.encode(submitted, forKey: .submitted)
        try container.encode(published, forKey: .published)
        try container.encode(attempt, forKey: .attempt)
        try container.encode(waits, forKey: .waits)
        try container.encode(losses, forKey: .losses)
        try container.encode(timings, forKey: .timings)
    }

    /// The stages of the job, in order: an accepted one's result is stored by the last, and an interactive one's answered after it.
    package var stages: [StageName] { reply == .accepted ? trip.stages + [.gateway] : trip.stages }

    /// The stage after `stage`, or `nil` when nothing comes but an answer.
    package func stage(after stage: StageName) -> StageName? {
        trip.stage(after: stage) ?? (reply == .accepted && stage != .gateway ? .gateway : nil)
    }

    /// Whether erasures since the job was submitted may be forgotten already: then nothing is stored of it.
    package func isPastLife(at now: Date) -> Bool {
        now.timeIntervalSince(submitted) > Double(Self.longestLife.components.seconds)
    }

    /// Forgets how often the stage was tried, as befits the next one.
    package mutating func beginStage() {
        (attempt, waits, losses) = (1, 0, 0)
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
