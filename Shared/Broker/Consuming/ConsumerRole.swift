/// The role of a connection that consumes.
struct ConsumerRole: ConnectionRole {
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

    /// A queue to consume.
    struct Subscription: Sendable {
        var queue: Queue
        /// How many of its messages may be unacknowledged; `nil` takes them without acknowledgement.
        var prefetch: Int?
    }

    /// Which queues the connection of this number, from 1, consumes, in this order. An answers queue is declared as
    /// the connection's own.
    let subscriptions: @Sendable (_ epoch: Int) -> [Subscription]
    let consumer: @Sendable (Event) -> Void

    private enum Phase {
        case wanted
        /// Cancelled, but there may be messages of it still to read.
        case ending
        case over
    }

    private var phase = Phase.wanted
    private var epoch = 0

    init(
        _ subscriptions: @escaping @Sendable (_ epoch: Int) -> [Subscription],
        consumer: @escaping @Sendable (Event) -> Void
    ) {
        self.subscriptions = subscriptions
        self.consumer = consumer
    }

    var isIdle: Bool { true }

    mutating func opened(_ connection: borrowing Connection) throws(ConnectionError) {
        try Topology.declare(on: connection)
        epoch += 1
        guard case .wanted = phase else { return }
        let subscriptions = subscriptions(epoch)
        for subscription in subscriptions {
            if case .answers = subscription.queue { try Topology.declare(subscription.queue, on: connection) }
        }
        consumer(.subscribed(epoch: epoch))
        for subscription in subscriptions {
            try connection.consume(queue: subscription.queue.name, prefetch: subscription.prefetch)
        }
    }

    mutating func perform(_ command: Command, on connection: borrowing Connection) throws(ConnectionError) {
        switch command {
        case .acknowledge(let tag, let epoch):
            if epoch == self.epoch { try connection.acknowledge(tag: tag) }
        case .cancel:
            guard case .wanted = phase else { return }
            phase = .ending
            for subscription in subscriptions(epoch) { try connection.cancel(queue: subscription.queue.name) }
        }
    }

    mutating func receive(_ event: ConnectionEvent) {
        guard case .delivered(var delivery) = event else { return }
        delivery.epoch = epoch
        consumer(.delivered(delivery))
    }

    mutating func drained() {
        guard case .ending = phase else { return }
        phase = .over
        consumer(.cancelled)
    }

    mutating func closed() {
        consumer(.interrupted)
        // What was to be read of the cancelled subscription is back in its queue.
        drained()
    }

    mutating func refuse(_ command: Command) {
        guard case .cancel = command else { return }
        phase = .ending
        drained()
    }
}
