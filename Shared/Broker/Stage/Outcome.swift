package import Messages

/// What a stage made of a job.
package enum Outcome: Sendable {
    /// The stage's fact. It goes to the trip's next stage; after the last it is the answer: to the gateway that waits
    /// (interactive) or to the gateways' results queue (accepted).
    case completed(any Message)
    /// There is no answer and never will be: the failure is the answer, at once.
    case failed(Failure)
    /// The job failed, and may not the next time. It comes back after a delay while its deadline and its attempts
    /// last; then it is a dead letter and the failure is its answer.
    case retry(Failure)
    /// What the job needs is away: no fault of the job's, and no attempt. An accepted job comes back until it is there,
    /// however long that takes. An interactive one comes back while its deadline and its attempts last; then the
    /// failure is its answer.
    case unavailable(Failure)
    /// The body is not what this build can read. The message is kept among the dead letters, with the reason, and
    /// its job is answered with an internal error.
    case unreadable(EnvelopeError)
    /// The trip ends here, with nothing to send: the results stage has stored what came.
    case done
}
