import Broker
import Database
import FoundationEssentials
import Logging
import Messages

/// The two kinds of jobs that a client's request becomes: interactive ones, whose answer is waited for, and accepted ones.
struct Jobs: Sendable {
    let settings: GatewaySettings
    let gateway: GatewayID
    let dispatcher: Dispatcher
    let store: JobStore
    let logger: Logger

    /// Has an interactive job done and waits for what ends it.
    ///
    /// - Throws: the `Failure` that ended it, or that kept it from being done.
    func ask(_ trip: Trip, _ message: any Message, _ job: JobID, _ preference: Preference) async throws
        -> Envelope
    {
        let began = ContinuousClock.now
        let limit = preference.wait(usually: settings.deadline, atMost: settings.deadline)
        let deadline = Date(timeIntervalSinceNow: limit.seconds)
        let header = JobHeader(
            job: job, trip: trip, reply: .interactive(deadline: deadline, gateway: gateway), published: .now)
        do {
            let envelope = try await dispatcher.ask(message, header, deadline)
            if envelope.type == Failure.name { throw try envelope.decode(Failure.self) }
            log(job, trip, outcome: "answered", since: began)
            return envelope
        } catch let failure as Failure {
            log(job, trip, outcome: failure.kind.rawValue, since: began)
            throw failure
        } catch let error as BrokerError {
            if error == .cancelled { throw CancellationError() }
            let failure = Failure(error)
            log(job, trip, outcome: failure.kind.rawValue, since: began)
            throw failure
        }
    }

    /// Accepts a job: it is written down, then handed to the broker, and cannot be lost from then on.
    ///
    /// Returns the job as it stands after `limit`, or `nil` where that cannot be told at the moment.
    func accept(
        _ trip: Trip, _ message: any Message, _ job: JobID, waiting limit: Duration
    ) async throws -> JobRecord? {
        let began = ContinuousClock.now
        let entry: JobStore.Entry
        do {
            entry = try await store.insert(job, trip)
        } catch {
            throw failure(error)
        }
        let header = JobHeader(job: job, trip: trip, reply: .accepted, published: .now, submitted: entry.created)
        // A job that came before and is still queued is handed over again: a gateway may have died between writing it down and
        // handing it over. Its effects count once.
        if entry.state == .queued {
            do {
                try await dispatcher.accept(message, header)
            } catch {
                let failure = Failure(error)
                try? await store.withdraw(job, entry, failure)
                log(job, trip, outcome: failure.kind.rawValue, since: began)
                throw failure
            }
        }
        log(job, trip, outcome: "accepted", since: began)
        let record: JobRecord?
        do {
            record = try await store.job(job, waiting: limit)
        } catch {
            // It is accepted all the same.
            return nil
        }
        guard let record else { throw Failure(.unknownJob, "The job has ended, and its result was cleared away.") }
        if let problem = record.problem { throw problem }
        return record
    }

    /// An accepted job as it stands after `limit`, or as soon as it has ended; `nil` for none of that id.
    func job(_ id: JobID, waiting limit: Duration) async throws -> JobRecord? {
        do {
            return try await store.job(id, waiting: limit)
        } catch {
            throw failure(error)
        }
    }

    /// Forgets a job whose id nobody was told. Should that fail, the sweep clears it away.
    func forget(_ id: JobID) async {
        try? await store.forget(id)
    }

    /// What a client is told when the database did not answer.
    private func failure(_ error: DatabaseError) -> any Error {
        if error == .cancelled { return CancellationError() }
        logger.warning("The database did not answer", metadata: ["error": "\(error)"])
        return error.isTransient || error.sqlState?.hasPrefix("42P01") == true || error.sqlState == "3F000"
            ? Failure(.unavailable, "The database cannot be reached: try again in a few seconds.")
            : Failure(.internalError, "The database did not answer as expected.")
    }

    private func log(_ job: JobID, _ trip: Trip, outcome: String, since began: ContinuousClock.Instant) {
        logger.info(
            "Took a job",
            metadata: [
                "job.id": "\(job)", "job.trip": "\(trip)", "job.outcome": "\(outcome)",
                "job.milliseconds": "\(Int((ContinuousClock.now - began).seconds * 1000))",
            ])
    }
}
