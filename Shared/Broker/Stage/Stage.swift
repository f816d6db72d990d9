import FoundationEssentials
package import Logging
package import Messages
import ServiceLifecycle

/// Takes a stage's jobs from its queues, has them handled, and sends what they became on its way.
///
/// A delivery is acknowledged only after the broker has confirmed what came of it, so a job may come twice and is
/// never lost.
///
/// What a lost worker had in its hands comes again marked as redelivered, begun or not. Such jobs are moved to a queue
/// of suspects, taken from there one at a time and worked on alone: a worker lost then is counted, in the job's header,
/// since the brokers' own counts differ by version and charge what was merely handed over. So a job that kills its
/// workers ends as a dead letter, and its neighbours end well, however many workers are killed.
package struct Stage<Handler: StageHandler>: Service {
    private let name: StageName
    private let publisher: Publisher
    private let routing: Routing
    private let handler: Handler
    private let logger: Logger
    private let metrics: StageMetrics
    private let intake: Intake
    private let thread: ConnectionThread<ConsumerRole>

    /// - Parameter publisher: runs in the same service group, before the stage, so that it stops after it.
    package init(
        name: StageName, address: BrokerAddress, publisher: Publisher, settings: StageSettings = StageSettings(),
        handler: Handler, logger: Logger
    ) {
        let intake = Intake(stage: name, settings: settings)
        let urgencies = Urgency.allCases.filter { name.takes($0) }
        // Suspects first, so that a worker that begins anew is idle when one comes, and begins it at once.
        let subscriptions =
            urgencies.map { ConsumerRole.Subscription(queue: .suspects(name, $0), prefetch: 1) }
            + urgencies.map { ConsumerRole.Subscription(queue: .jobs(name, $0), prefetch: settings.prefetch) }
        self.name = name
        self.publisher = publisher
        self.handler = handler
        self.logger = logger
        self.intake = intake
        routing = Routing(stage: name, settings: settings)
        metrics = StageMetrics(stage: name)
        thread = ConnectionThread(address: address, name: "mien \(name.rawValue)", logger: logger) {
            ConsumerRole({ _ in subscriptions }, consumer: { intake.receive($0) })
        }
    }

    /// Whether the stage's queues are being consumed right now; for readiness.
    package var isConnected: Bool { thread.isConnected }

    /// Runs until graceful shutdown, which takes no more jobs and finishes those already here.
    ///
    /// When the task is cancelled, unfinished jobs go back to their queues.
    package func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await withDiscardingTaskGroup { group in
                    group.addTask { await thread.run() }
                    await work()
                    thread.stop()
                }
            } onGracefulShutdown: {
                thread.send(.cancel)
            }
        } onCancel: {
            thread.abort()
        }
    }

    /// Begins one batch after another; returns when nothing more comes and all is settled.
    private func work() async {
        await withDiscardingTaskGroup { group in
            while let batch = await intake.next() {
                group.addTask { await work(on: batch) }
            }
        }
    }

    private func work(on batch: [Delivery]) async {
        let began = Date.now
        let triages = batch.map { ($0, Triage($0, stage: name, settings: routing.settings, now: began)) }
        let jobs: [(job: Envelope, delivery: Delivery)] = triages.compactMap { delivery, triage in
            if case .work(let job) = triage { (job, delivery) } else { nil }
        }
        let others = triages.compactMap { delivery, triage in
            routing.settlement(of: delivery, triage, now: began).map { ($0, delivery) }
        }
        // A suspect may be here again before its delivery is acknowledged, and must not begin so soon.
        async let moved: Void = settle(others)
        let outcomes = await outcomes(of: jobs, began: began)
        await moved
        // From here on the batch waits for the broker only, and the next may have the processor.
        intake.finished()
        await settle(outcomes)
    }

    private func settle(_ settlements: [(Settlement, Delivery)]) async {
        await withDiscardingTaskGroup { group in
            for (settlement, delivery) in settlements {
                group.addTask { await settle(delivery, settlement) }
            }
        }
    }

    private func outcomes(
        of jobs: [(job: Envelope, delivery: Delivery)], began: Date
    ) async -> [(Settlement, Delivery)] {
        guard !jobs.isEmpty else { return [] }
        metrics.began(batchOf: jobs.count)
        let clock = ContinuousClock()
        let start = clock.now
        let outcomes = await handler.handle(jobs.map(\.job))
        let worked = start.duration(to: clock.now)
        metrics.worked(worked)
        precondition(outcomes.count == jobs.count, "A stage handler returns one outcome for each job.")
        return zip(jobs, outcomes).map { entry, outcome in
            let queued = max(began.timeIntervalSince(entry.job.header.published), 0) * 1000
            let timing = StageTiming(stage: name, queued: queued, worked: worked / .milliseconds(1))
            metrics.waited(timing, entry.job.header.reply.urgency)
            let settlement = routing.settlement(
                of: entry.job, from: entry.delivery, outcome, timing: timing, now: .now)
            return (settlement, entry.delivery)
        }
    }

    /// Sends what is to be sent, then lets the broker forget the delivery.
    private func settle(_ delivery: Delivery, _ settlement: Settlement) async {
        var logger = logger
        logger[metadataKey: "job.id"] = "\(delivery.properties.correlationID)"
        for publication in settlement.publications {
            let limit = publication.expiration == nil ? routing.settings.holdLimit : nil
            switch await send(publication, for: delivery, within: limit, logger) {
            case .sent: continue
            case .abandoned: return metrics.count("abandoned", nil)
            case .heldUp:
                guard await putOff(delivery, logger) else { return metrics.count("abandoned", nil) }
                thread.send(.acknowledge(tag: delivery.tag, epoch: delivery.epoch))
                return metrics.count(Settlement.Result.retried.rawValue, .unavailable)
            }
        }
        thread.send(.acknowledge(tag: delivery.tag, epoch: delivery.epoch))
        metrics.count(settlement.result.rawValue, settlement.failure)
        switch settlement.result {
        case .completed: logger.debug("Job completed")
        case .failed, .retried, .redelivered, .expired:
            logger.info(
                "Job not completed",
                metadata: [
                    "job.outcome": "\(settlement.result.rawValue)",
                    "job.failure": "\(settlement.failure?.rawValue ?? "none")",
                ])
        case .exhausted, .unreadable:
            logger.error(
                "Job given up",
                metadata: [
                    "job.outcome": "\(settlement.result.rawValue)",
                    "job.reason": "\(settlement.publications.first?.reason ?? "none")",
                ])
        }
    }

    /// How publishing what came of a delivery ended.
    private enum Sending {
        /// The broker has it, or nobody wants it any more.
        case sent
        /// The delivery is no longer this worker's: back in its queue, where another has it by now, or the worker is
        /// stopping at once.
        case abandoned
        /// The time is up.
        case heldUp
    }

    /// Publishes until the broker confirms.
    private func send(
        _ publication: Publication, for delivery: Delivery, within limit: Duration? = nil, _ logger: Logger
    ) async -> Sending {
        let expires = publication.expiration.map { ContinuousClock.now + $0 }
        let end = limit.map { ContinuousClock.now + $0 }
        var backoff = Backoff(from: .milliseconds(50), to: .seconds(2))
        while intake.holds(delivery) {
            do {
                try await publisher.publish(publication)
                return .sent
            } catch .unroutable where publication.isAnswer {
                logger.info("The gateway that waited is gone")
                return .sent
            } catch {
                if let expires, .now >= expires { return .sent }
                if !error.isTransient { return .abandoned }
                logger.debug("PublisherRole again", metadata: ["broker.error": "\(error)"])
            }
            if let end, .now >= end { return .heldUp }
            guard (try? await Task.sleep(for: backoff.next())) != nil else { return .abandoned }
        }
        return .abandoned
    }

    /// Sends a job to be done again later, because its result was held up: the broker takes a worker for lost that
    /// keeps a delivery for too long.
    ///
    /// - Returns: whether the delivery may be acknowledged.
    private func putOff(_ delivery: Delivery, _ logger: Logger) async -> Bool {
        logger.warning("A result was held up for long: its job is put off")
        guard let later = routing.putOff(delivery, now: .now) else { return false }
        if case .sent = await send(later, for: delivery, logger) { return true }
        return false
    }
}

extension Publication {
    fileprivate var isAnswer: Bool {
        if case .answer = destination { true } else { false }
    }
}
