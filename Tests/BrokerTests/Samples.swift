import Foundation
import Messages

@testable import Broker

extension JobHeader {
    /// A job on an erasure trip: identity, then recommender.
    static func sample(
        _ urgency: Urgency = .interactive, trip: Trip = .erasure, gateway: GatewayID = .random(),
        deadlineIn seconds: Double = 30, published: Date = .now, attempt: Int = 1
    ) -> JobHeader {
        JobHeader(
            job: .random(), trip: trip,
            reply: urgency == .interactive
                ? .interactive(deadline: published.addingTimeInterval(seconds), gateway: gateway) : .accepted,
            published: published, attempt: attempt)
    }
}

extension Delivery {
    /// A message as the broker would hand it over.
    static func sample(
        _ header: JobHeader, stage: StageName = .identity, type: String = ErasureRequested.name, body: Data = Data(),
        isRedelivered: Bool = false, isSuspect: Bool = false
    ) throws -> Delivery {
        var properties = Properties()
        properties.correlationID = header.job.description
        properties.type = type
        properties.contentType = "application/json"
        properties.header = try HeaderCoding.encode(header)
        let queue = isSuspect ? Queue.suspects(stage, header.reply.urgency) : .jobs(stage, header.reply.urgency)
        return Delivery(
            tag: 1, epoch: 1, queue: queue.name, isRedelivered: isRedelivered, properties: properties, body: body)
    }
}

/// A handler that is a closure.
struct Handler: StageHandler {
    let body: @Sendable ([Envelope]) async -> [Outcome]

    init(_ body: @escaping @Sendable ([Envelope]) async -> [Outcome]) {
        self.body = body
    }

    func handle(_ jobs: [Envelope]) async -> [Outcome] {
        await body(jobs)
    }

    /// Keeps every batch waiting at a gate, as work does that never ends.
    static func waiting(at gate: Gate) -> Handler {
        Handler { jobs in
            await gate.pass()
            return jobs.map { _ in .done }
        }
    }

    /// Writes down what it is given.
    static func logging(to log: Log) -> Handler {
        Handler { jobs in
            await log.append(jobs)
            return jobs.map { _ in .done }
        }
    }

    /// Passes every erasure on.
    static var passing: Handler {
        Handler { jobs in
            jobs.map { job in
                do throws(EnvelopeError) {
                    return .completed(try job.decode(ErasureRequested.self))
                } catch {
                    return .unreadable(error)
                }
            }
        }
    }
}
