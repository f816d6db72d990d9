import Messages
import Synchronization

/// Where a stage's deliveries come in on the connection's thread and leave in batches to the stage's tasks.
///
/// It holds no more than the prefetch lets through.
final class Intake: Sendable {
    private struct State {
        var backlog: Backlog<Delivery>
        /// Batches in work.
        var running = 0
        /// Whether the batch in work is a suspect, beside which nothing may begin.
        var isTryingSuspect = false
        /// The connection by which deliveries come; `nil` while there is none.
        var epoch: Int?
        /// Nothing more will come.
        var isClosed = false
        var waiter: Waiter?

        /// Whether a batch may begin with at least `count` deliveries, or never will. A suspect begins only when
        /// nothing else is in work.
        func mayBegin(_ count: Int, concurrency: Int) -> Bool {
            if isTryingSuspect { return false }
            if backlog.hasSuspects { return running == 0 }
            return running < concurrency && (backlog.count >= count || isClosed)
        }
    }

    /// The scheduler, waiting for so many deliveries.
    private struct Waiter {
        var count: Int
        var continuation: CheckedContinuation<Void, Never>
    }

    private let state: Mutex<State>
    private let urgencies: [String: Urgency]
    private let suspects: Set<String>
    private let batch: Int
    private let batchWait: Duration
    private let concurrency: Int

    init(stage: StageName, settings: StageSettings) {
        batch = settings.batch
        batchWait = settings.batchWait
        concurrency = settings.concurrency
        urgencies = Dictionary(
            uniqueKeysWithValues: Urgency.allCases.map { (Queue.jobs(stage, $0).name, $0) })
        suspects = Set(Urgency.allCases.map { Queue.suspects(stage, $0).name })
        state = Mutex(State(backlog: Backlog(acceptedEvery: settings.acceptedEvery)))
    }

    /// Called on the connection's thread.
    func receive(_ event: ConsumerRole.Event) {
        switch event {
        case .subscribed(let epoch): change { $0.epoch = epoch }
        case .delivered(let delivery):
            if suspects.contains(delivery.queue) {
                change { $0.backlog.append(suspect: delivery) }
            } else if let urgency = urgencies[delivery.queue] {
                change { $0.backlog.append(delivery, urgency) }
            }
        case .interrupted:
            change { state in
                state.backlog.removeAll()
                state.epoch = nil
            }
        case .cancelled: change { $0.isClosed = true }
        }
    }

    /// The next batch, once one may begin and there is something to work on; `nil` when nothing more will come, or
    /// when the task is cancelled.
    func next() async -> [Delivery]? {
        while true {
            await wait(for: 1)
            if batchWait > .zero { await waitForFullBatch() }
            if Task.isCancelled { return nil }
            let (taken, isClosed) = state.withLock { state -> ([Delivery], Bool) in
                // A suspect may have come since the wait.
                guard state.mayBegin(1, concurrency: concurrency) else { return ([], false) }
                state.isTryingSuspect = state.backlog.hasSuspects
                let taken = state.backlog.take(upTo: batch)
                if !taken.isEmpty { state.running += 1 }
                return (taken, state.isClosed)
            }
            if !taken.isEmpty { return taken }
            if isClosed { return nil }
        }
    }

    /// A batch is worked on no more; another may begin.
    func finished() {
        change { state in
            state.running -= 1
            state.isTryingSuspect = false
        }
    }

    /// Whether a delivery is still this worker's: its connection has not been lost since.
    func holds(_ delivery: Delivery) -> Bool {
        state.withLock { $0.epoch == delivery.epoch }
    }

    private func waitForFullBatch() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: self.batch) }
            group.addTask { try? await Task.sleep(for: self.batchWait) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Waits until a batch may begin with at least `count` deliveries, nothing more will come, or the task is
    /// cancelled.
    private func wait(for count: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isReady = state.withLock { state in
                    if Task.isCancelled || state.mayBegin(count, concurrency: concurrency) { return true }
                    state.waiter = Waiter(count: count, continuation: continuation)
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in state.waiter.take() }
            waiter?.continuation.resume()
        }
    }

    /// Changes the state and wakes the scheduler if that is what it waits for.
    private func change(_ body: (inout State) -> Void) {
        let waiter = state.withLock { state -> Waiter? in
            body(&state)
            guard let count = state.waiter?.count, state.mayBegin(count, concurrency: concurrency) else { return nil }
            return state.waiter.take()
        }
        waiter?.continuation.resume()
    }
}
