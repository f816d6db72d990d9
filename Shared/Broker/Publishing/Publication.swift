import FoundationEssentials
import Messages

/// A message ready to be sent.
struct Publication: Hashable, Sendable {
    var destination: Destination
    /// The fact's name.
    var type: String
    var contentType: String
    /// The job's id, or empty when the message never said.
    var job: String
    /// The job's header as JSON; `nil` only for a parked message that came without one.
    var header: String?
    var body: Data
    /// Whether the message outlives a restart of the broker.
    var isPersistent: Bool
    /// How long the message may wait in its queue.
    var expiration: Duration?
    /// Why it is a dead letter.
    var reason: String?
}

extension Publication {
    /// A fact on its way. What an interactive job sends expires at the job's deadline, and is not written to disk.
    ///
    /// - Parameter header: `published` is set here.
    init(
        _ type: String, contentType: String, body: Data, header: JobHeader, to destination: Destination, now: Date
    ) throws(BrokerError) {
        var header = header
        header.published = now
        self.init(
            destination: destination, type: type, contentType: contentType, job: header.job.description,
            header: try HeaderCoding.encode(header), body: body, isPersistent: header.reply == .accepted)
        switch destination {
        case .stage, .suspects, .answer:
            guard let deadline = header.reply.deadline else { return }
            guard deadline > now else { throw .deadlinePassed }
            expiration = .seconds(deadline.timeIntervalSince(now))
        case .dead: isPersistent = true
        case .delayed: return
        }
    }

    init(
        _ message: any Message, header: JobHeader, to destination: Destination, now: Date
    ) throws(BrokerError) {
        let body: Data
        do {
            body = try message.encoded()
        } catch {
            throw .unencodable("\(error)")
        }
        let contentType = message is any Encodable ? "application/json" : "application/octet-stream"
        try self.init(
            Swift.type(of: message).name, contentType: contentType, body: body, header: header, to: destination,
            now: now)
    }
}
