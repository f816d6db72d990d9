/// The role of a connection that consumes.
struct Consuming: ConnectionRole {
    enum Command: Sendable {
        /// The message is done with. Ignored when it came by an earlier connection: then it is back in its queue.
        case acknowledge(tag: UInt64, epoch: Int)
        /// Take no more messages, on this connection or the next.
        case cancel
    }

    /// What the consumer is told, on the connection's thread.
    enum Event: Sendable {
        /// Messages come by connection number `epoch` from now on.
        case subscribed(epoch: Int)
        case delivered(Delivery)
        /// The connection is lost: what it brought is back in its queue.
        case interrupted
        /// After `cancel`: nothing more will come.
        case cancelled
    }

    /// The queues to consume. An answers queue is declared as the connection's own.
    let queues: [Queue]
    /// How many messages of each queue may be unacknowledged; `nil` takes them without acknowledgement.
    let prefetch: Int?
    let consumer: @Sendable (Event) -> Void

    private enum Subscription {
        case wanted
        /// Cancelled, but there may be messages of it still to read.
        case ending
        case over
    }

    private var subscription = Subscription.wanted
    private var epoch = 0

    init(queues: [Queue], prefetch: Int?, consumer: @escaping @Sendable (Event) -> Void) {
        self.queues = queues
        self.prefetch = prefetch
        self.consumer = consumer
    }

    var isIdle: Bool { true }

    mutating func opened(_ connection: borrowing Connection) throws(ConnectionError) {
        try Topology.declare(on: connection)
        epoch += 1
        guard case .wanted = subscription else { return }
        for queue in queues {
            if case .answers = queue { try Topology.declare(queue, on: connection) }
        }
        consumer(.subscribed(epoch: epoch))
        for queue in queues {
            try connection.consume(queue: queue.name, prefetch: prefetch)
        }
    }

    mutating func perform(_ command: Command, on connection: borrowing Connection) throws(ConnectionError) {
        switch command {
        case .acknowledge(let tag, let epoch):
            if epoch == self.epoch { try connection.acknowledge(tag: tag) }
        case .cancel:
            guard case .wanted = subscription else { return }
            subscription = .ending
            for queue in queues { try connection.cancel(queue: queue.name) }
        }
    }

    mutating func receive(_ event: ConnectionEvent) {
        guard case .delivered(var delivery) = event else { return }
        delivery.epoch = epoch
        consumer(.delivered(delivery))
    }

    mutating func drained() {
        guard case .ending = subscription else { return }
        subscription = .over
        consumer(.cancelled)
    }

    mutating func closed() {
        consumer(.interrupted)
        // What was to be read of the cancelled subscription is back in its queue.
        drained()
    }

    mutating func refuse(_ command: Command) {
        guard case .cancel = command else { return }
        subscription = .ending
        drained()
    }
}
