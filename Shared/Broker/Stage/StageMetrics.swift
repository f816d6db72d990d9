import Messages
import Metrics

/// What a stage counts and measures.
///
/// `mien_jobs_total{stage,outcome,kind}`, `mien_stage_seconds{stage}`, `mien_queue_wait_seconds{stage,urgency}`,
/// `mien_batch_size{stage}`.
struct StageMetrics: Sendable {
    private let stage: StageName
    private let seconds: Timer
    private let interactiveWait: Timer
    private let acceptedWait: Timer
    private let batchSize: Recorder

    init(stage: StageName) {
        self.stage = stage
        let dimensions = [("stage", stage.rawValue)]
        func wait(_ urgency: Urgency) -> Timer {
            Timer(label: "mien_queue_wait_seconds", dimensions: dimensions + [("urgency", urgency.rawValue)])
        }
        seconds = Timer(label: "mien_stage_seconds", dimensions: dimensions)
        interactiveWait = wait(.interactive)
        acceptedWait = wait(.accepted)
        batchSize = Recorder(label: "mien_batch_size", dimensions: dimensions)
    }

    /// - Parameter outcome: how a delivery ended.
    func count(_ outcome: String, _ kind: Failure.Kind?) {
        Counter(
            label: "mien_jobs_total",
            dimensions: [("stage", stage.rawValue), ("outcome", outcome), ("kind", kind?.rawValue ?? "none")]
        ).increment()
    }

    func began(batchOf jobs: Int) {
        batchSize.record(jobs)
    }

    func waited(_ timing: StageTiming, _ urgency: Urgency) {
        let timer = urgency == .interactive ? interactiveWait : acceptedWait
        timer.recordNanoseconds(Int64(timing.queued * 1_000_000))
    }

    func worked(_ duration: Duration) {
        seconds.record(duration: duration)
    }
}
