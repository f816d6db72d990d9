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
    /// How many workers may be lost over an interactive job, 1 included, before it is answered as failed.
    package var interactiveDeliveries: Int
    /// How often an accepted job is given out when its workers die, before it becomes a dead letter. Must stay below
    /// the broker policy's `delivery-limit`, which is the net beneath it.
    package var acceptedDeliveries: Int
    /// How often an interactive job is tried when its handler says `retry`, the first time included.
    package var interactiveAttempts: Int
    /// The same for an accepted job.
    package var acceptedAttempts: Int
    /// Waiting before the second, third, … attempt of an interactive job; the last one repeats.
    package var interactiveDelays: [Duration]
    /// The same for an accepted job.
    package var acceptedDelays: [Duration]

    /// `prefetch` defaults to the jobs in work and two more, so that the next batch is there when one ends.
    package init(
        batch: Int = 1, batchWait: Duration = .zero, concurrency: Int = 1, prefetch: Int? = nil,
        acceptedEvery: Int = 4, interactiveDeliveries: Int = 2, acceptedDeliveries: Int = 4,
        interactiveAttempts: Int = 4, acceptedAttempts: Int = 12,
        interactiveDelays: [Duration] = [.milliseconds(250), .seconds(1)],
        acceptedDelays: [Duration] = [.seconds(1), .seconds(10), .seconds(60), .seconds(600)]
    ) {
        precondition(batch > 0 && concurrency > 0 && acceptedEvery > 0, "A stage takes at least one job at a time.")
        precondition(!interactiveDelays.isEmpty && !acceptedDelays.isEmpty, "A stage needs a delay before a retry.")
        self.batch = batch
        self.batchWait = batchWait
        self.concurrency = concurrency
        self.prefetch = prefetch ?? batch * concurrency + 2
        self.acceptedEvery = acceptedEvery
        self.interactiveDeliveries = interactiveDeliveries
        self.acceptedDeliveries = acceptedDeliveries
        self.interactiveAttempts = interactiveAttempts
        self.acceptedAttempts = acceptedAttempts
        self.interactiveDelays = interactiveDelays
        self.acceptedDelays = acceptedDelays
    }
}

extension StageSettings {
    func attempts(_ urgency: Urgency) -> Int {
        switch urgency {
        case .interactive: interactiveAttempts
        case .accepted: acceptedAttempts
        }
    }

    /// How long to wait after attempt number `attempt`, from 1.
    func delay(after attempt: Int, _ urgency: Urgency) -> Duration {
        let delays = urgency == .interactive ? interactiveDelays : acceptedDelays
        return delays[min(max(attempt, 1), delays.count) - 1]
    }
}
