import CRabbitMQ
import FoundationEssentials
import Glibc

/// An open AMQP connection with one channel: the owner of rabbitmq-c's handle.
///
/// rabbitmq-c allows no sharing between threads and serves heartbeats only inside its calls, so a connection lives on
/// one thread (`ConnectionThread`). Calls that await a reply block for at most `replyLimit`.
struct Connection: ~Copyable {
    private let handle: amqp_connection_state_t
    /// The message whose frames are coming in.
    private var incoming: IncomingMessage?

    private static let channel: amqp_channel_t = 1
    private static let frameSize: Int32 = 131_072
    private static let replyLimit: Duration = .seconds(10)
    private static let connectLimit: Duration = .seconds(5)

    /// Connects, logs in and opens the channel.
    ///
    /// - Parameter name: what operators see in the broker's list of connections.
    static func open(_ address: BrokerAddress, name: String) throws(ConnectionError) -> Connection {
        guard let handle = amqp_new_connection() else { throw .library(AMQP_STATUS_NO_MEMORY.rawValue) }
        let connection = Connection(handle: handle)
        try connection.logIn(address, name: name)
        return connection
    }

    private init(handle: amqp_connection_state_t) {
        self.handle = handle
    }

    deinit {
        amqp_destroy_connection(handle)
    }

    private func logIn(_ address: BrokerAddress, name: String) throws(ConnectionError) {
        guard let socket = amqp_tcp_socket_new(handle) else { throw .library(AMQP_STATUS_NO_MEMORY.rawValue) }
        var limit = timeval(Self.connectLimit)
        try ConnectionError.check(amqp_socket_open_noblock(socket, address.host, Int32(address.port), &limit))
        var reply = timeval(Self.replyLimit)
        try ConnectionError.check(amqp_set_handshake_timeout(handle, &reply))
        try ConnectionError.check(amqp_set_rpc_timeout(handle, &reply))
        let arena = Arena()
        // What is not announced here the broker does not send.
        var properties = arena.table([
            "connection_name": .text(name),
            "capabilities": .table([
                "authentication_failure_close": .boolean(true),
                "basic.nack": .boolean(true),
                "connection.blocked": .boolean(true),
                "consumer_cancel_notify": .boolean(true),
                "publisher_confirms": .boolean(true),
            ]),
        ])
        let heartbeat = Int32(clamping: max(address.heartbeat.components.seconds, 1))
        try ConnectionError.check(
            mien_login_plain(
                handle, address.virtualHost, 0, Self.frameSize, heartbeat, &properties, address.user, address.password))
        amqp_channel_open(handle, Self.channel)
        try checkReply()
    }

    /// The socket, to be polled and never read.
    var descriptor: Int32 { amqp_get_sockfd(handle) }

    /// Says goodbye, which lets the broker tell an end from a loss.
    func close() {
        _ = amqp_connection_close(handle, AMQP_REPLY_SUCCESS)
    }

    private func checkReply() throws(ConnectionError) {
        try ConnectionError.check(amqp_get_rpc_reply(handle))
    }
}

// MARK: - Topology

extension Connection {
    func declareDirectExchange(_ name: String) throws(ConnectionError) {
        let arena = Arena()
        amqp_exchange_declare(
            handle, Self.channel, arena.bytes(name), arena.bytes("direct"), 0, 1, 0, 0, amqp_empty_table)
        try checkReply()
    }

    /// - Parameter exclusive: the queue is this connection's own and goes with it; others are durable.
    func declareQueue(
        _ name: String, exclusive: Bool = false, arguments: KeyValuePairs<String, Field> = [:]
    ) throws(ConnectionError) {
        let arena = Arena()
        amqp_queue_declare(
            handle, Self.channel, arena.bytes(name), 0, exclusive ? 0 : 1, exclusive ? 1 : 0, 0, arena.table(arguments))
        try checkReply()
    }

    func bind(queue: String, to exchange: String, key: String) throws(ConnectionError) {
        let arena = Arena()
        amqp_queue_bind(
            handle, Self.channel, arena.bytes(queue), arena.bytes(exchange), arena.bytes(key), amqp_empty_table)
        try checkReply()
    }

    /// Asks for the length of a queue that exists. A queue that does not closes the channel.
    func depth(ofQueue name: String) throws(ConnectionError) -> QueueDepth {
        let arena = Arena()
        let declared = amqp_queue_declare(handle, Self.channel, arena.bytes(name), 1, 0, 0, 0, amqp_empty_table)
        try checkReply()
        guard let declared else { throw .protocolViolation("no reply to queue.declare") }
        return QueueDepth(ready: Int(declared.pointee.message_count), consumers: Int(declared.pointee.consumer_count))
    }
}

// MARK: - PublisherRole

extension Connection {
    /// From here on the broker confirms every message, counting from 1.
    func selectConfirms() throws(ConnectionError) {
        amqp_confirm_select(handle, Self.channel)
        try checkReply()
    }

    /// Sends a message, to be returned when no queue takes it.
    ///
    /// Blocks while the broker does not read and the kernel's buffers are full.
    func publish(_ publication: Publication, messageID: String) throws(ConnectionError) {
        let arena = Arena()
        var properties = amqp_basic_properties_t()
        var flags =
            AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG
            | AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG
            | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_APP_ID_FLAG
        properties.content_type = arena.bytes(publication.contentType)
        properties.delivery_mode = publication.isPersistent ? 2 : 1
        properties.correlation_id = arena.bytes(publication.job)
        properties.message_id = arena.bytes(messageID)
        properties.timestamp = UInt64(max(Date.now.timeIntervalSince1970, 0))
        properties.type = arena.bytes(publication.type)
        properties.app_id = arena.bytes("mien")
        if let expiration = publication.expiration {
            flags |= AMQP_BASIC_EXPIRATION_FLAG
            properties.expiration = arena.bytes(String(max(expiration.milliseconds, 0)))
        }
        properties.headers =
            switch (publication.header, publication.reason) {
            case (let header?, let reason?):
                arena.table([HeaderName.job: .text(header), HeaderName.reason: .text(reason)])
            case (let header?, nil): arena.table([HeaderName.job: .text(header)])
            case (nil, let reason?): arena.table([HeaderName.reason: .text(reason)])
            case (nil, nil): amqp_empty_table
            }
        properties._flags = amqp_flags_t(flags)
        let exchange = arena.bytes(publication.destination.exchange)
        let key = arena.bytes(publication.destination.routingKey)
        let status = publication.body.withUnsafeBytes { body in
            // rabbitmq-c only reads it; its type for bytes knows no `const`.
            let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
            return amqp_basic_publish(handle, Self.channel, exchange, key, 1, 0, &properties, bytes)
        }
        try ConnectionError.check(status)
    }
}

// MARK: - ConsumerRole

extension Connection {
    /// Starts taking messages from a queue. The queue's name is the consumer's tag.
    ///
    /// - Parameter prefetch: how many may be unacknowledged; `nil` for a consumer that does not acknowledge.
    func consume(queue: String, prefetch: Int?) throws(ConnectionError) {
        let arena = Arena()
        if let prefetch {
            amqp_basic_qos(handle, Self.channel, 0, UInt16(clamping: prefetch), 0)
            try checkReply()
        }
        let name = arena.bytes(queue)
        amqp_basic_consume(handle, Self.channel, name, name, 0, prefetch == nil ? 1 : 0, 0, amqp_empty_table)
        try checkReply()
    }

    /// Stops taking messages from a queue; those that are already here stay unacknowledged.
    func cancel(queue: String) throws(ConnectionError) {
        let arena = Arena()
        amqp_basic_cancel(handle, Self.channel, arena.bytes(queue))
        try checkReply()
    }

    /// Asks for one message of a queue: `ConnectionEvent.delivered` follows, or `.nothing`.
    func get(queue: String) throws(ConnectionError) {
        let arena = Arena()
        var get = amqp_basic_get_t(ticket: 0, queue: arena.bytes(queue), no_ack: 0)
        // Not rabbitmq-c's own call, which waits for the reply and takes any delivery before it for that.
        try ConnectionError.check(amqp_send_method(handle, Self.channel, AMQP_BASIC_GET_METHOD, &get))
    }

    func acknowledge(tag: UInt64) throws(ConnectionError) {
        try ConnectionError.check(amqp_basic_ack(handle, Self.channel, tag, 0))
    }
}

// MARK: - Receiving

extension Connection {
    /// Reads what has arrived, without waiting, and serves heartbeats; `nil` when nothing whole is left.
    mutating func nextEvent() throws(ConnectionError) -> ConnectionEvent? {
        var frame = amqp_frame_t()
        var noWait = timeval()
        while true {
            let status = amqp_simple_wait_frame_noblock(handle, &frame, &noWait)
            if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
            try ConnectionError.check(status)
            // Everything a frame points to is copied before this frees it.
            defer { amqp_maybe_release_buffers_on_channel(handle, frame.channel) }
            if let event = try absorb(frame) { return event }
        }
    }

    private mutating func absorb(_ frame: amqp_frame_t) throws(ConnectionError) -> ConnectionEvent? {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD: return try absorb(frame.payload.method)
        case AMQP_FRAME_HEADER: incoming?.absorb(header: frame)
        case AMQP_FRAME_BODY: incoming?.absorb(fragment: frame.payload.body_fragment)
        default: throw .protocolViolation("unexpected frame type \(frame.frame_type)")
        }
        guard let event = incoming?.event else { return nil }
        incoming = nil
        return event
    }

    private mutating func absorb(_ method: amqp_method_t) throws(ConnectionError) -> ConnectionEvent? {
        guard let decoded = method.decoded else { throw .protocolViolation("a method without fields") }
        switch method.id {
        case AMQP_BASIC_DELIVER_METHOD:
            incoming = IncomingMessage(delivered: decoded.load(as: amqp_basic_deliver_t.self))
            return nil
        case AMQP_BASIC_GET_OK_METHOD:
            incoming = IncomingMessage(got: decoded.load(as: amqp_basic_get_ok_t.self))
            return nil
        case AMQP_BASIC_GET_EMPTY_METHOD: return .nothing
        case AMQP_BASIC_RETURN_METHOD:
            incoming = IncomingMessage()
            return nil
        case AMQP_BASIC_ACK_METHOD:
            let ack = decoded.load(as: amqp_basic_ack_t.self)
            return .confirmed(tag: ack.delivery_tag, multiple: ack.multiple != 0, accepted: true)
        case AMQP_BASIC_NACK_METHOD:
            let nack = decoded.load(as: amqp_basic_nack_t.self)
            return .confirmed(tag: nack.delivery_tag, multiple: nack.multiple != 0, accepted: false)
        case AMQP_BASIC_CANCEL_METHOD:
            throw .consumerCancelled(queue: String(decoded.load(as: amqp_basic_cancel_t.self).consumer_tag))
        case AMQP_CONNECTION_BLOCKED_METHOD: return .blocked
        case AMQP_CONNECTION_UNBLOCKED_METHOD: return .unblocked
        default: throw ConnectionError(closing: method)
        }
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        self.init(tv_sec: Int(duration.milliseconds / 1000), tv_usec: Int(duration.milliseconds % 1000 * 1000))
    }
}
