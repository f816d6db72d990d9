package import Logging
package import Messages
import ServiceLifecycle

/// Takes a stage's jobs from its queues, has them handled, and sends what they became on its way.
package struct Stage<Handler: StageHandler>: Service {
    package init(
        name: StageName, address: BrokerAddress, publisher: Publisher, settings: StageSettings = StageSettings(),
        handler: Handler, logger: Logger
    ) {
        fatalError()
    }

    /// Whether the stage's queues are being consumed right now; for readiness.
    package var isConnected: Bool { false }

    /// Runs until graceful shutdown, which takes no more jobs and finishes those already here.
    package func run() async throws {}
}
