import Messages

/// Where a message may go: a closed list, so that no message can send a worker's output anywhere else.
enum Destination: Hashable, Sendable {
    /// The queue of a stage.
    case stage(StageName, Urgency)
    /// The queue of a stage's suspects.
    case suspects(StageName, Urgency)
    /// Back to a stage, after a while.
    case delayed(StageName, Urgency, Duration)
    /// A stage's dead letters.
    case dead(StageName, Urgency)
    /// The gateway that waits.
    case answer(GatewayID)
}

extension Destination {
    /// The gateway that waits for a job; `nil` where none does.
    static func answer(_ reply: Reply) -> Destination? { reply.gateway.map(Destination.answer) }

    var exchange: String {
        switch self {
        case .stage: Topology.jobs
        case .suspects, .delayed: Topology.defaultExchange
        case .dead: Topology.dead
        case .answer: Topology.answers
        }
    }

    var routingKey: String {
        switch self {
        case .stage(let stage, let urgency), .dead(let stage, let urgency): Topology.key(stage, urgency)
        case .suspects(let stage, let urgency): Queue.suspects(stage, urgency).name
        case .delayed(let stage, let urgency, let delay): Queue.delayed(stage, urgency, delay).name
        case .answer(let gateway): Topology.key(gateway)
        }
    }
}
