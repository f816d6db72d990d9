package import FoundationEssentials
package import Messages

/// A message as it travels: whose job it belongs to, what kind of fact it is, and the fact's bytes.
package struct Envelope: Hashable, Sendable {
    package var header: JobHeader
    /// The fact's name: `Message.name`, the AMQP `type` property.
    package var type: String
    package var body: Data

    /// The job it belongs to.
    package var id: JobID { header.job }

    package init(header: JobHeader, type: String, body: Data) {
        self.header = header
        self.type = type
        self.body = body
    }

    /// Wraps a fact as a publisher would; for the tests of stage handlers.
    package init<M: Message>(_ message: M, header: JobHeader) throws {
        self.init(header: header, type: M.name, body: try message.encoded())
    }

    /// The fact inside.
    ///
    /// A stage answers both errors with `Outcome.unreadable`.
    package func decode<M: Message>(_: M.Type) throws(EnvelopeError) -> M {
        guard type == M.name else { throw .unexpectedType(type) }
        do {
            return try M(encoded: body)
        } catch {
            throw .undecodable(type: type, reason: "\(error)")
        }
    }
}

/// Why an envelope does not hold the fact that was asked for.
package enum EnvelopeError: Error, Hashable {
    case unexpectedType(String)
    case undecodable(type: String, reason: String)
}

extension EnvelopeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unexpectedType(let type): "A message of type \(type) does not belong here."
        case .undecodable(let type, let reason): "A message of type \(type) cannot be read: \(reason)"
        }
    }
}
