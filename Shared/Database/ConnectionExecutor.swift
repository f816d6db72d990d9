internal import Dispatch

/// Runs an actor's work on a serial queue of its own, so that a call that blocks there keeps no thread of Swift's
/// cooperative pool. (`DispatchSerialQueue`, which would do, is not on Linux.)
final class ConnectionExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
