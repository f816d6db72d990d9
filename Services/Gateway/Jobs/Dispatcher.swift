package import Broker
package import FoundationEssentials
package import Messages

/// Hands jobs to the stages and brings their answers back.
///
/// Closures, so that a test can be the stages.
package struct Dispatcher: Sendable {
    /// Submits an interactive job and waits for what answers it.
    package var ask: @Sendable (any Message, JobHeader, Date) async throws(BrokerError) -> Envelope
    /// Submits an accepted job; returns once the broker has it.
    package var accept: @Sendable (any Message, JobHeader) async throws(BrokerError) -> Void

    package init(
        ask: @escaping @Sendable (any Message, JobHeader, Date) async throws(BrokerError) -> Envelope,
        accept: @escaping @Sendable (any Message, JobHeader) async throws(BrokerError) -> Void
    ) {
        self.ask = ask
        self.accept = accept
    }

    /// The real stages, behind a broker.
    package init(publisher: Publisher, answers: Answers) {
        self.init { (message: any Message, header: JobHeader, deadline: Date) async throws(BrokerError) -> Envelope in
            try await answers.answer(for: header.job, until: deadline) { () async throws(BrokerError) in
                try await publisher.submit(message, header: header)
            }
        } accept: { (message: any Message, header: JobHeader) async throws(BrokerError) in
            try await publisher.submit(message, header: header)
        }
    }
}

extension Failure {
    /// What a client is told when the broker did not carry its job.
    package init(_ error: BrokerError) {
        switch error {
        case .deadlinePassed: self.init(.deadlinePassed, "No answer came before the deadline.")
        case .unencodable: self.init(.internalError, "The request could not be handed on.")
        case .full: self.init(.unavailable, "Too many requests are waiting already: try again in a few seconds.")
        default: self.init(.unavailable, "The request could not be handed on: try again in a few seconds.")
        }
    }
}
