import CRabbitMQ

/// What ended a connection, or kept it from being made; for the log.
enum ConnectionError: Error, Hashable {
    /// rabbitmq-c says so: an `amqp_status_enum`.
    case library(Int32)
    /// The broker closed the channel or the connection, with AMQP's reply code.
    case broker(code: Int, text: String)
    /// A queue that was consumed is gone.
    case consumerCancelled(queue: String)
    /// The broker sent what the protocol does not allow here.
    case protocolViolation(String)
}

extension ConnectionError {
    /// Throws unless a status is `AMQP_STATUS_OK`.
    static func check(_ status: Int32) throws(ConnectionError) {
        guard status == AMQP_STATUS_OK.rawValue else { throw .library(status) }
    }

    /// Throws unless a remote call went well.
    static func check(_ reply: amqp_rpc_reply_t) throws(ConnectionError) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw ConnectionError(closing: reply.reply)
        case AMQP_RESPONSE_LIBRARY_EXCEPTION: throw .library(reply.library_error)
        default: throw .library(AMQP_STATUS_CONNECTION_CLOSED.rawValue)
        }
    }

    /// Reads why the broker closed the channel or the connection.
    init(closing method: amqp_method_t) {
        switch (method.id, method.decoded) {
        case (AMQP_CONNECTION_CLOSE_METHOD, let decoded?):
            let close = decoded.load(as: amqp_connection_close_t.self)
            self = .broker(code: Int(close.reply_code), text: String(close.reply_text))
        case (AMQP_CHANNEL_CLOSE_METHOD, let decoded?):
            let close = decoded.load(as: amqp_channel_close_t.self)
            self = .broker(code: Int(close.reply_code), text: String(close.reply_text))
        default:
            self = .protocolViolation("unexpected method \(method.id)")
        }
    }
}

extension ConnectionError: CustomStringConvertible {
    var description: String {
        switch self {
        case .library(let status): String(cString: amqp_error_string2(status))
        case .broker(let code, let text): "the broker says \(code) \(text)"
        case .consumerCancelled(let queue): "the queue \(queue) was deleted"
        case .protocolViolation(let what): what
        }
    }
}
