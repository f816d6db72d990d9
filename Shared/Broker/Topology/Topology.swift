import Messages

/// The exchanges and queues, declared by every service whenever it connects, so that they start in any order.
///
/// Every shared queue is durable: RabbitMQ 4.3 refuses others. What an operator may wish to change (lengths, delivery
/// limit, dead lettering, expiry) is left to policies, in deploy/broker/definitions.json. Only a delay queue carries
/// its own time and target: they are what makes it one.
enum Topology {
    /// Direct; jobs by `key(stage, urgency)`.
    static let jobs = "mien.jobs"
    /// Direct; dead letters by the same key.
    static let dead = "mien.dead"
    /// Direct; answers by gateway.
    static let answers = "mien.answers"
    /// Built into every broker: the routing key is a queue's name.
    static let defaultExchange = ""

    static func key(_ stage: StageName, _ urgency: Urgency) -> String { "\(stage.rawValue).\(urgency.rawValue)" }

    static func key(_ gateway: GatewayID) -> String { gateway.description }

    /// Declares everything shared; what exists already stays as it is.
    static func declare(on connection: borrowing Connection) throws(ConnectionError) {
        for exchange in [jobs, dead, answers] {
            try connection.declareDirectExchange(exchange)
        }
        for queue in Queue.shared {
            try declare(queue, on: connection)
        }
    }

    /// Declares one queue and binds it.
    static func declare(_ queue: Queue, on connection: borrowing Connection) throws(ConnectionError) {
        switch queue {
        case .jobs(let stage, .interactive):
            try connection.declareQueue(queue.name)
            try connection.bind(queue: queue.name, to: jobs, key: key(stage, .interactive))
        case .jobs(let stage, .accepted):
            try connection.declareQueue(queue.name, arguments: ["x-queue-type": .text("quorum")])
            try connection.bind(queue: queue.name, to: jobs, key: key(stage, .accepted))
        case .suspects(_, .interactive):
            try connection.declareQueue(queue.name)
        case .suspects(_, .accepted):
            try connection.declareQueue(queue.name, arguments: ["x-queue-type": .text("quorum")])
        case .dead(let stage):
            try connection.declareQueue(queue.name, arguments: ["x-queue-type": .text("quorum")])
            for urgency in Urgency.allCases where stage.takes(urgency) {
                try connection.bind(queue: queue.name, to: dead, key: key(stage, urgency))
            }
        case .delayed(let stage, .interactive, let delay):
            try connection.declareQueue(
                queue.name,
                arguments: [
                    "x-message-ttl": .integer(delay.milliseconds),
                    "x-dead-letter-exchange": .text(jobs),
                    "x-dead-letter-routing-key": .text(key(stage, .interactive)),
                ])
        case .delayed(let stage, .accepted, let delay):
            // At least once needs reject-publish; with it, a job whose queue is full goes on waiting here.
            try connection.declareQueue(
                queue.name,
                arguments: [
                    "x-queue-type": .text("quorum"),
                    "x-message-ttl": .integer(delay.milliseconds),
                    "x-dead-letter-exchange": .text(jobs),
                    "x-dead-letter-routing-key": .text(key(stage, .accepted)),
                    "x-dead-letter-strategy": .text("at-least-once"),
                    "x-overflow": .text("reject-publish"),
                ])
        case .answers(let gateway, _):
            try connection.declareQueue(queue.name, exclusive: true)
            try connection.bind(queue: queue.name, to: answers, key: key(gateway))
        }
    }
}
