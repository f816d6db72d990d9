import FoundationEssentials

/// A message that the broker handed over.
struct Delivery: Sendable {
    /// Names the message in its acknowledgement, on the connection it came by only.
    var tag: UInt64
    /// Which of the consumer's successive connections it came by: after a reconnect, older tags mean nothing.
    var epoch: Int
    /// The queue it came from.
    var queue: String
    /// Whether it may have been handed over before.
    var isRedelivered: Bool
    var properties: Properties
    var body: Data

    /// What stands beside the body.
    struct Properties: Hashable, Sendable {
        var messageID = ""
        /// The job's id, by Mien's own convention.
        var correlationID = ""
        var type = ""
        var contentType = ""
        /// `JobHeader` as JSON text; `nil` when the message was not sent by Mien.
        var header: String?
        /// When it was sent, to the second.
        var timestamp: Date?
        /// Why it is a dead letter.
        var reason: String?
    }
}
