import FoundationEssentials
package import Logging
package import Messages
import ServiceLifecycle

/// Hands messages to the broker and tells when the broker has them.
///
/// Owns one connection and the thread it lives on, reconnects by itself, and may be used by any number of tasks at
/// once: many messages are in flight together, each awaiting its own confirm.
package final class Publisher: Service {
    private let thread: ConnectionThread<PublisherRole>
    private let confirmLimit: Duration

    /// - Parameter confirmLimit: how long a message waits for the broker's confirm before it fails as `unconfirmed`.
    package init(address: BrokerAddress, logger: Logger, confirmLimit: Duration = .seconds(10)) {
        self.confirmLimit = confirmLimit
        thread = ConnectionThread(address: address, name: "mien publisher", logger: logger) { PublisherRole() }
    }

    /// Whether there is a connection to hand messages to; for readiness.
    package var isConnected: Bool { thread.isConnected }

    /// Starts a job on its trip: publishes to the first stage and returns once the broker has the message.
    ///
    /// Sets the header's `published`.
    package func submit<M: Message>(_ message: M, header: JobHeader) async throws(BrokerError) {
        try await publish(
            Publication(message, header: header, to: .stage(header.trip.stages[0], header.reply.urgency), now: .now))
    }

    /// How many messages wait in a shared queue, and how many consumers it has.
    package func depth(of queue: Queue) async throws(BrokerError) -> QueueDepth {
        guard isConnected else { throw .disconnected }
        let depth = Promise<QueueDepth>()
        thread.send(.measure(queue, depth))
        return try await depth.value(within: confirmLimit, orFail: .unconfirmed)
    }

    /// Publishes and returns once the broker has the message.
    func publish(_ publication: Publication) async throws(BrokerError) {
        guard isConnected else { throw .disconnected }
        guard !thread.isStalled else { throw .blocked }
        let confirm = Promise<Void>()
        thread.send(.publish(publication, confirm))
        try await confirm.value(within: confirmLimit, orFail: .unconfirmed)
    }

    /// Ends `run` once the confirms of what was published have come in.
    func stop() {
        thread.stop()
    }

    /// Runs until graceful shutdown, which lets the confirms of what was published come in first.
    package func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await thread.run()
            } onGracefulShutdown: {
                self.stop()
            }
        } onCancel: {
            self.thread.abort()
        }
    }
}
