package import Broker
import Database
package import Logging
import Messages

/// The last stage of every accepted job: its result goes to the database, where any gateway finds it.
package struct ResultsStage: StageHandler {
    private let jobs: JobStore
    private let logger: Logger

    package init(jobs: JobStore, logger: Logger) {
        self.jobs = jobs
        self.logger = logger
    }

    package func handle(_ jobs: [Envelope]) async -> [Outcome] {
        var outcomes: [Outcome] = []
        for job in jobs { outcomes.append(await outcome(job)) }
        return outcomes
    }

    private func outcome(_ job: Envelope) async -> Outcome {
        do {
            try await jobs.finish(job)
            logger.info(
                "Stored a result",
                metadata: [
                    "job.id": "\(job.id)", "job.trip": "\(job.header.trip)", "message.type": "\(job.type)",
                ])
            return .done
        } catch let error as EnvelopeError {
            return .unreadable(error)
        } catch let error as DatabaseError where error.isOutage {
            logger.warning("Could not reach the database", metadata: ["job.id": "\(job.id)", "error": "\(error)"])
            return .unavailable(Failure(.unavailable, "The result could not be stored.", stage: .gateway))
        } catch {
            logger.warning("Could not store a result", metadata: ["job.id": "\(job.id)", "error": "\(error)"])
            return .retry(Failure(.unavailable, "The result could not be stored.", stage: .gateway))
        }
    }
}
