import Messages

/// What becomes of a delivery: what is sent before it is acknowledged, in this order, and how it is counted.
struct Settlement: Hashable, Sendable {
    /// The names by which `mien_jobs_total` counts.
    enum Result: String, Sendable {
        case completed, failed, retried, redelivered, exhausted, unreadable, expired
    }

    var result: Result
    var failure: Failure.Kind?
    var publications: [Publication] = []
}
