/// Why a message did not reach its queue, or an answer did not come.
package enum BrokerError: Error, Hashable {
    /// There is no connection to the broker, or it was lost before the broker confirmed. A new one is being made.
    case disconnected
    /// The broker is short of memory or disk and takes no messages.
    case blocked
    /// The queue has as many messages as its policy allows.
    case full
    /// No queue takes messages of this kind: for an answer, its gateway is gone.
    case unroutable
    /// The broker did not confirm in time. The message may still arrive.
    case unconfirmed
    /// The job's deadline passed first.
    case deadlinePassed
    /// The task that waited was cancelled.
    case cancelled
    /// The message could not be turned into bytes.
    case unencodable(String)
}

extension BrokerError {
    /// Whether the same call may succeed later.
    package var isTransient: Bool {
        switch self {
        case .disconnected, .blocked, .full, .unroutable, .unconfirmed: true
        case .deadlinePassed, .cancelled, .unencodable: false
        }
    }
}

extension BrokerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .disconnected: "The message broker cannot be reached."
        case .blocked: "The message broker is short of memory or disk and takes no messages."
        case .full: "The queue is full."
        case .unroutable: "No queue takes this message."
        case .unconfirmed: "The message broker did not confirm the message in time."
        case .deadlinePassed: "The job's deadline has passed."
        case .cancelled: "The wait for the message broker was cancelled."
        case .unencodable(let reason): "The message cannot be encoded: \(reason)."
        }
    }
}
