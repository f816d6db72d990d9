/// Whether somebody is waiting for a job's answer.
package enum Urgency: String, Codable, Hashable, Sendable, CaseIterable {
    /// A client waits: the message is transient, is dropped at its deadline, and is answered to one gateway.
    case interactive
    /// The client was told 202: the message is persistent and its result ends in the database, whatever dies on the way.
    case accepted
}
