import Messages

/// How a stage takes its jobs, and when it gives one up.
package struct StageSettings: Hashable, Sendable {
    /// The most jobs handed to the handler at a time.
    package var batch: Int
    /// How long a batch that is not full waits for more jobs. Zero takes what is there.
    package var batchWait: Duration
    /// How many batches are worked on at the same time.
    package var concurrency: Int
    /// How many unacknowledged jobs the broker hands over from each of the two queues.
    package var prefetch: Int
    /// After this many interactive jobs one accepted job has its turn, however many interactive ones wait.
    package var acceptedEvery: Int
    /// How many workers may be lost while they work on an interactive job alone, before it is answered as failed.
    package var interactiveLosses: Int
    /// The same for an accepted job, before it becomes a dead letter.
    package var acceptedLosses: Int
    /// How often an interactive job is tried when its handler says `retry` or `unavailable`, the first time included.
    package var interactiveAttempts: Int
    /// How often an accepted job is tried when its handler says `retry`, the first time included.
    package var acceptedAttempts: Int
    /// Waiting before the second, third, … attempt of an interactive job; the last one repeats.
    package var interactiveDelays: [Duration]
    /// The same for an accepted job.
    package var acceptedDelays: [Duration]
    /// Waiting before an accepted job asks again for what was away; the last one repeats, for as long as it takes.
    package var outageDelays: [Duration]
    /// How long an accepted job's result may wait for the next queue before the job is put off. Must stay below the
    /// broker's `consumer_timeout`, 30 minutes, after which it takes a worker for lost.
    package var holdLimit: Duration

    /// `prefetch` defaults to the jobs in work and two more, so that the next batch is there when one ends.
    package init(
        batch: Int = 1, batchWait: Duration = .zero, concurrency: Int = 1, prefetch: Int? = nil,
        acceptedEvery: Int = 4, interactiveLosses: Int = 2, acceptedLosses: Int = 5,
        interactiveAttempts: Int = 4, acceptedAttempts: Int = 12,
        interactiveDelays: [Duration] = [.milliseconds(250), .seconds(1)],
        acceptedDelays: [Duration] = [.seconds(1), .seconds(10), .seconds(60), .seconds(600)],
        outageDelays: [Duration] = [.seconds(1), .seconds(5), .seconds(30)], holdLimit: Duration = .seconds(600)
    ) {
        precondition(batch > 0 && concurrency > 0 && acceptedEvery > 0, "A stage takes at least one job at a time.")
        precondition(
            !interactiveDelays.isEmpty && !acceptedDelays.isEmpty && !outageDelays.isEmpty,
            "A stage needs a delay before a retry.")
        self.batch = batch
        self.batchWait = batchWait
        self.concurrency = concurrency
        self.prefetch = prefetch ?? batch * concurrency + 2
        self.acceptedEvery = acceptedEvery
        self.interactiveLosses = interactiveLosses
        self.acceptedLosses = acceptedLosses
        self.interactiveAttempts = interactiveAttempts
        self.acceptedAttempts = acceptedAttempts
        self.interactiveDelays = interactiveDelays
        self.acceptedDelays = acceptedDelays
        self.outageDelays = outageDelays
        self.holdLimit = holdLimit
    }
}

extension StageSettings {
    func attempts(_ urgency: Urgency) -> Int {
        switch urgency {
        case .interactive: interactiveAttempts
        case .accepted: acceptedAttempts
        }
    }

    /// How many workers may be lost over a job alone.
    func losses(_ urgency: Urgency) -> Int {
        switch urgency {
        case .interactive: interactiveLosses
        case .accepted: acceptedLosses
        }
    }

    /// How long to wait after attempt number `attempt`, from 1.
    func delay(after attempt: Int, _ urgency: Urgency) -> Duration {
        Self.delay(after: attempt, urgency == .interactive ? interactiveDelays : acceptedDelays)
    }

    /// How long an accepted job waits when it has found away what it needs for the `wait`th time, from 1.
    func outageDelay(after wait: Int) -> Duration {
        Self.delay(after: wait, outageDelays)
    }

    private static func delay(after number: Int, _ delays: [Duration]) -> Duration {
        delays[min(max(number, 1), delays.count) - 1]
    }
}
