package import Messages

/// The queues there are.
package enum Queue: Hashable, Sendable {
    /// Jobs waiting for a stage. Interactive ones in a classic queue, accepted ones in a quorum queue.
    case jobs(StageName, Urgency)
    /// Jobs that were with a worker when it was lost. Taken one at a time and worked on alone, so that a job that
    /// kills its workers is found out and takes no other with it. Of the same kind as the queue of jobs.
    case suspects(StageName, Urgency)
    /// Jobs that come back to their stage after a while.
    case delayed(StageName, Urgency, Duration)
    /// What a stage gave up, kept for an operator.
    case dead(StageName)
    /// Answers to the interactive jobs of one gateway, for as long as its connection of this number lives. Each
    /// connection has a queue of its own: the last one's may be locked until the broker notices that it is dead.
    case answers(GatewayID, connection: Int)

    package var name: String {
        switch self {
        case .jobs(let stage, let urgency): "mien.\(stage.rawValue).\(urgency.rawValue)"
        case .suspects(let stage, let urgency): "mien.\(stage.rawValue).\(urgency.rawValue).suspects"
        case .delayed(let stage, let urgency, let delay):
            "mien.\(stage.rawValue).\(urgency.rawValue).delay.\(delay.milliseconds)"
        case .dead(let stage): "mien.\(stage.rawValue).dead"
        case .answers(let gateway, let connection): "mien.answers.\(gateway).\(connection)"
        }
    }

    /// The queues that every service declares when it connects.
    package static let shared: [Queue] = StageName.allCases.flatMap { stage in
        Urgency.allCases.filter { stage.takes($0) }.flatMap { [Queue.jobs(stage, $0), .suspects(stage, $0)] }
            + [Queue.dead(stage)]
    }
}

extension StageName {
    /// The gateways' results stage has accepted jobs only: interactive answers go straight to the gateway that waits.
    func takes(_ urgency: Urgency) -> Bool {
        self != .gateway || urgency == .accepted
    }
}

/// How long a queue is and how many serve it, at one moment.
package struct QueueDepth: Hashable, Sendable {
    /// Messages ready to be taken; those already with a worker are not counted.
    package var ready: Int
    package var consumers: Int
}
