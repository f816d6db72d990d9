/// What a broker says unasked.
enum ConnectionEvent: Sendable {
    case delivered(Delivery)
    /// The queue that was asked for a message has none.
    case nothing
    /// No queue takes a mandatory message. Its confirm follows.
    case returned(messageID: String)
    /// The broker has taken charge of a message, or refuses to; with `multiple`, of all before it as well.
    case confirmed(tag: UInt64, multiple: Bool, accepted: Bool)
    /// The broker is short of memory or disk and reads no more from this connection.
    case blocked
    case unblocked
}
