package import FoundationEssentials

/// A random 128-bit name for one `Subject`, so that it can be handed out without saying how many there are.
///
/// Written as a lower-case UUID in JSON, URLs, queues and Postgres alike.
package struct Identifier<Subject>: Hashable, Sendable {
    package let uuid: UUID

    package init(_ uuid: UUID) {
        self.uuid = uuid
    }

    /// A fresh identifier from the system's generator.
    package static func random() -> Self {
        Self(UUID())
    }
}

/// What a `JobID` names: one request on its way through the stages.
package enum JobSubject {}

/// What a `UserID` names: one person, known by face alone.
package enum UserSubject {}

/// What a `GatewayID` names: one running gateway, to whom interactive answers return.
package enum GatewaySubject {}

package typealias JobID = Identifier<JobSubject>
package typealias UserID = Identifier<UserSubject>
package typealias GatewayID = Identifier<GatewaySubject>

extension Identifier: LosslessStringConvertible {
    package init?(_ description: String) {
        guard let uuid = UUID(uuidString: description) else { return nil }
        self.init(uuid)
    }

    package var description: String { uuid.uuidString.lowercased() }
}

extension Identifier: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a UUID: \(text)")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
