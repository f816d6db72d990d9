package import FoundationEssentials
package import Logging
package import Messages
import ServiceLifecycle

/// Brings the answers of interactive jobs to the requests that wait for them.
package final class Answers: Service {
    package init(gateway: GatewayID, address: BrokerAddress, logger: Logger) { fatalError() }

    /// Whether answers can arrive right now; for readiness.
    package var isConnected: Bool { false }

    /// Submits a job and waits for its answer: the trip's last fact, or a `Failure`.
    ///
    /// - Parameter submit: hands the job to the broker. It runs once the answer is looked out for, so none can be missed.
    /// - Throws: what `submit` throws; `disconnected` when the connection that the answer would come by is lost;
    ///   `deadlinePassed`; `cancelled`.
    package func answer(
        for job: JobID, until deadline: Date, after submit: () async throws(BrokerError) -> Void
    ) async throws(BrokerError) -> Envelope { throw .disconnected }

    package func run() async throws {}
}
