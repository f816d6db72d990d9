/// The AMQP headers that Mien reads and writes.
enum HeaderName {
    /// The `JobHeader`, as JSON.
    static let job = "x-mien-header"
    /// Why a message is among the dead letters.
    static let reason = "x-mien-reason"
}
