/// The work of one stage.
package protocol StageHandler: Sendable {
    /// Works on jobs that waited together and returns their outcomes, in the same order and number.
    ///
    /// Jobs may come twice: every effect must be idempotent by job id. Up to `StageSettings.concurrency` calls run at
    /// the same time. The call must not block its thread.
    func handle(_ jobs: [Envelope]) async -> [Outcome]
}
