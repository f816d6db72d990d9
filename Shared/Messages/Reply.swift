package import FoundationEssentials

/// How a job is answered.
package enum Reply: Hashable, Sendable {
    /// A client waits: until the deadline, after which the answer is worth nothing, by way of this gateway.
    case interactive(deadline: Date, gateway: GatewayID)
    /// The client was told 202: the result ends in the database, whatever dies on the way.
    case accepted
}

extension Reply {
    /// Which queues the job waits in.
    package var urgency: Urgency {
        switch self {
        case .interactive: .interactive
        case .accepted: .accepted
        }
    }

    /// When the answer is worth nothing any more; `nil` for an accepted job.
    package var deadline: Date? {
        if case .interactive(let deadline, _) = self { deadline } else { nil }
    }

    /// The gateway that waits; `nil` for an accepted job.
    package var gateway: GatewayID? {
        if case .interactive(_, let gateway) = self { gateway } else { nil }
    }
}

/// Three fields of the header that it is part of.
extension Reply: Codable {
    private enum CodingKeys: String, CodingKey {
        case urgency, deadline, gateway
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Urgency.self, forKey: .urgency) {
        case .interactive:
            self = .interactive(
                deadline: try container.decode(Date.self, forKey: .deadline),
                gateway: try container.decode(GatewayID.self, forKey: .gateway))
        case .accepted: self = .accepted
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(urgency, forKey: .urgency)
        try container.encodeIfPresent(deadline, forKey: .deadline)
        try container.encodeIfPresent(gateway, forKey: .gateway)
    }
}
