import FoundationEssentials

/// The role of a connection that publishes.
struct PublisherRole: ConnectionRole {
    enum Command: Sendable {
        case publish(Publication, Promise<Void>)
        case measure(Queue, Promise<QueueDepth>)
    }

    private var confirms = Confirms<Promise<Void>>()
    private var isBlocked = false
    /// Delay queues are made when first needed: most never are.
    private var delayQueues: Set<Queue> = []

    var isIdle: Bool { confirms.isEmpty }

    mutating func opened(_ connection: borrowing Connection) throws(ConnectionError) {
        try Topology.declare(on: connection)
        try connection.selectConfirms()
    }

    mutating func perform(_ command: Command, on connection: borrowing Connection) throws(ConnectionError) {
        switch command {
        case .publish(let publication, let confirm):
            // Whoever gave up waiting was told that it failed.
            guard !confirm.isSettled else { return }
            guard !isBlocked else { return confirm.settle(.failure(.blocked)) }
            let messageID = UUID().uuidString.lowercased()
            confirms.sent(messageID, waiter: confirm)
            if case .delayed(let stage, let urgency, let delay) = publication.destination {
                let queue = Queue.delayed(stage, urgency, delay)
                if !delayQueues.contains(queue) {
                    try Topology.declare(queue, on: connection)
                    delayQueues.insert(queue)
                }
            }
            try connection.publish(publication, messageID: messageID)
        case .measure(let queue, let depth):
            do throws(ConnectionError) {
                depth.settle(.success(try connection.depth(ofQueue: queue.name)))
            } catch {
                depth.settle(.failure(.disconnected))
                throw error
            }
        }
    }

    mutating func receive(_ event: ConnectionEvent) {
        switch event {
        case .confirmed(let tag, let multiple, let accepted):
            for (confirm, result) in confirms.confirmed(tag, multiple: multiple, accepted: accepted) {
                confirm.settle(result)
            }
        case .returned(let messageID): confirms.returned(messageID)
        case .blocked:
            // What was sent may still be taken when the broker reads again; nobody need wait for that.
            isBlocked = true
            for confirm in confirms.waiting { confirm.settle(.failure(.blocked)) }
        case .unblocked: isBlocked = false
        case .delivered, .nothing: break
        }
    }

    mutating func drained() {}

    mutating func closed() {
        for confirm in confirms.waiting { confirm.settle(.failure(.disconnected)) }
        confirms = Confirms()
        isBlocked = false
        delayQueues = []
    }

    mutating func refuse(_ command: Command) {
        switch command {
        case .publish(_, let confirm): confirm.settle(.failure(.disconnected))
        case .measure(_, let depth): depth.settle(.failure(.disconnected))
        }
    }
}
