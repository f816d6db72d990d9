package import Logging
package import Messages
import ServiceLifecycle

/// Hands messages to the broker and tells when the broker has them.
///
/// Owns one connection and the thread it lives on, reconnects by itself, and may be used by any number of tasks at once: many
/// messages are in flight together, each awaiting its own confirm.
package final class Publisher: Service {
    /// - Parameter confirmLimit: how long a message waits for the broker's confirm before it fails as `unconfirmed`.
    package init(address: BrokerAddress, logger: Logger, confirmLimit: Duration = .seconds(10)) {
        fatalError()
    }

    /// Whether messages can be handed over right now; for readiness.
    package var isConnected: Bool { false }

    /// Starts a job on its trip: publishes to the first stage and returns once the broker has the message.
    ///
    /// Sets the header's `published`.
    package func submit<M: Message>(_ message: M, header: JobHeader) async throws(BrokerError) {}

    /// How long a shared queue is.
    package func depth(of queue: Queue) async throws(BrokerError) -> QueueDepth { QueueDepth(ready: 0, consumers: 0) }

    /// Runs until graceful shutdown, which lets the confirms of what was published come in first.
    package func run() async throws {}
}
