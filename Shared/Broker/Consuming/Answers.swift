package import FoundationEssentials
package import Logging
package import Messages
import ServiceLifecycle
import Synchronization

/// Brings the answers of interactive jobs to the requests that wait for them.
///
/// They come by a queue that is the connection's own and goes with it.
package final class Answers: Service {
    private let thread: ConnectionThread<ConsumerRole>
    private let waiting: Waiting

    package init(gateway: GatewayID, address: BrokerAddress, logger: Logger) {
        let waiting = Waiting(logger: logger)
        self.waiting = waiting
        thread = ConnectionThread(address: address, name: "mien answers", logger: logger) {
            ConsumerRole(
                { [ConsumerRole.Subscription(queue: .answers(gateway, connection: $0), prefetch: nil)] },
                consumer: { waiting.receive($0) })
        }
    }

    /// Whether answers can arrive right now; for readiness.
    package var isConnected: Bool { thread.isConnected }

    /// Submits a job and waits for its answer: the trip's last fact, or a `Failure`.
    ///
    /// - Parameter submit: hands the job to the broker. It runs once the answer is looked out for, so none can be
    ///   missed.
    /// - Throws: what `submit` throws; `disconnected` when the connection that the answer would come by is lost;
    ///   `deadlinePassed`; `cancelled`.
    package func answer(
        for job: JobID, until deadline: Date, after submit: () async throws(BrokerError) -> Void
    ) async throws(BrokerError) -> Envelope {
        guard isConnected else { throw .disconnected }
        let answer = Promise<Envelope>()
        waiting.add(answer, for: job)
        defer { waiting.remove(answer, for: job) }
        try await submit()
        let rest = Duration.seconds(max(deadline.timeIntervalSinceNow, 0))
        return try await answer.value(within: rest, orFail: .deadlinePassed)
    }

    /// Runs until graceful shutdown. Whoever still waits is told `disconnected`.
    package func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await thread.run()
            } onGracefulShutdown: {
                self.thread.stop()
            }
        } onCancel: {
            self.thread.abort()
        }
    }
}

/// Who waits for which job's answer.
private final class Waiting: Sendable {
    /// More than one request may wait for one job: its idempotency key was used again.
    private let promises = Mutex<[JobID: [Promise<Envelope>]]>([:])
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func add(_ promise: Promise<Envelope>, for job: JobID) {
        promises.withLock { $0[job, default: []].append(promise) }
    }

    func remove(_ promise: Promise<Envelope>, for job: JobID) {
        promises.withLock { promises in
            promises[job]?.removeAll { $0 === promise }
            if promises[job]?.isEmpty == true { promises[job] = nil }
        }
    }

    /// Called on the connection's thread.
    func receive(_ event: ConsumerRole.Event) {
        switch event {
        case .delivered(let delivery): deliver(delivery)
        case .interrupted:
            for promise in promises.withLock({ $0.values.flatMap(\.self) }) { promise.settle(.failure(.disconnected)) }
        case .subscribed, .cancelled: break
        }
    }

    private func deliver(_ delivery: Delivery) {
        guard let text = delivery.properties.header, case .header(let header) = HeaderCoding.decode(text) else {
            logger.error(
                "Dropped an answer that cannot be read", metadata: ["job.id": "\(delivery.properties.correlationID)"])
            return
        }
        let waiters = promises.withLock { $0[header.job] ?? [] }
        if waiters.isEmpty {
            logger.debug("Dropped an answer that nobody waits for", metadata: ["job.id": "\(header.job)"])
        }
        let envelope = Envelope(header: header, type: delivery.properties.type, body: delivery.body)
        for waiter in waiters { waiter.settle(.success(envelope)) }
    }
}
