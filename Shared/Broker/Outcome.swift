package import Messages

/// What a stage made of a job.
package enum Outcome: Sendable {
    /// The stage's fact. It goes to the trip's next stage; after the last it is the answer: to the gateway that waits
    /// (interactive) or to the gateways' results queue (accepted).
    case completed(any Message)
    /// There is no answer and never will be: the failure is the answer, at once.
    case failed(Failure)
    /// Not now. The job comes back after a delay while its deadline and its attempts last; then it is a dead letter
    /// and the failure is its answer.
    case retry(Failure)
    /// The body is not what this build can read. The message is kept among the dead letters, with the reason, and
    /// its job is answered with an internal error.
    case unreadable(EnvelopeError)
    /// The trip ends here, with nothing to send: the results stage has stored what came.
    case done
}
