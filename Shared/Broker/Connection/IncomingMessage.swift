import CRabbitMQ
import FoundationEssentials

/// A message whose frames are still coming in: a method, then a header with the body's size, then the body in parts.
struct IncomingMessage {
    private enum Method {
        case delivered(tag: UInt64, queue: String, isRedelivered: Bool)
        case returned
    }

    private let method: Method
    private var properties = Delivery.Properties()
    private var body = Data()
    /// Bytes of the body still to come; `nil` until the header has told.
    private var missing: Int?

    /// A message that the broker returns.
    init() {
        method = .returned
    }

    init(delivered deliver: amqp_basic_deliver_t) {
        method = .delivered(
            tag: deliver.delivery_tag, queue: String(deliver.consumer_tag), isRedelivered: deliver.redelivered != 0)
    }

    /// A message that was asked for. The broker does not say by which queue it comes.
    init(got message: amqp_basic_get_ok_t) {
        method = .delivered(tag: message.delivery_tag, queue: "", isRedelivered: message.redelivered != 0)
    }

    mutating func absorb(header frame: amqp_frame_t) {
        let size = Int(frame.payload.properties.body_size)
        missing = size
        body.reserveCapacity(size)
        guard let decoded = frame.payload.properties.decoded else { return }
        properties = Delivery.Properties(decoded.load(as: amqp_basic_properties_t.self))
    }

    mutating func absorb(fragment: amqp_bytes_t) {
        body.append(contentsOf: UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.len))
        missing = missing.map { $0 - fragment.len }
    }

    /// The message, once all of it is here.
    var event: ConnectionEvent? {
        guard let missing, missing <= 0 else { return nil }
        switch method {
        case .returned: return .returned(messageID: properties.messageID)
        case .delivered(let tag, let queue, let isRedelivered):
            return .delivered(
                Delivery(
                    tag: tag, epoch: 0, queue: queue, isRedelivered: isRedelivered, properties: properties, body: body))
        }
    }
}

extension Delivery.Properties {
    fileprivate init(_ properties: amqp_basic_properties_t) {
        func text(_ bytes: amqp_bytes_t, _ flag: Int32) -> String {
            properties._flags & amqp_flags_t(flag) != 0 ? String(bytes) : ""
        }
        messageID = text(properties.message_id, AMQP_BASIC_MESSAGE_ID_FLAG)
        correlationID = text(properties.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG)
        type = text(properties.type, AMQP_BASIC_TYPE_FLAG)
        contentType = text(properties.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG)
        if properties._flags & amqp_flags_t(AMQP_BASIC_TIMESTAMP_FLAG) != 0 {
            timestamp = Date(timeIntervalSince1970: Double(properties.timestamp))
        }
        guard properties._flags & amqp_flags_t(AMQP_BASIC_HEADERS_FLAG) != 0 else { return }
        for entry in UnsafeBufferPointer(start: properties.headers.entries, count: Int(properties.headers.num_entries))
        {
            guard entry.value.kind == UInt8(AMQP_FIELD_KIND_UTF8.rawValue) else { continue }
            switch String(entry.key) {
            case HeaderName.job: header = String(entry.value.value.bytes)
            case HeaderName.reason: reason = String(entry.value.value.bytes)
            default: break
            }
        }
    }
}
