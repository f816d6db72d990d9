import Glibc
import Synchronization

/// Hands out the numbers 0..<count, each once, to whichever thread asks.
final class ChunkQueue: Sendable {
    private let count: Int
    private let taken = Atomic<Int>(0)

    init(count: Int) {
        self.count = count
    }

    /// The next number nobody has, or `nil` when all are given out.
    func next() -> Int? {
        let chunk = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        return chunk < count ? chunk : nil
    }
}

/// Runs `work` on `threads` threads at once, the caller's among them, and returns when all have returned.
///
/// The threads share one queue of chunks. They are the engine's own and not the cooperative pool's, because a training
/// computes for minutes and answers must not wait for it. `work` must touch only what belongs to the chunks it took;
/// then the result doesn't depend on the number of threads.
func withThreads(_ threads: Int, chunks: Int, _ work: (ChunkQueue) -> Void) {
    let queue = ChunkQueue(count: chunks)
    let helpers = min(threads, chunks) - 1
    guard helpers > 0 else { return work(queue) }
    withoutActuallyEscaping(work) { work in
        let shared = SharedWork(queue: queue, body: work)
        let pointer = Unmanaged.passUnretained(shared).toOpaque()
        let running = (0..<helpers).compactMap { _ -> pthread_t? in
            var thread = pthread_t()
            let status = pthread_create(
                &thread, nil,
                { pointer in
                    guard let pointer else { return nil }
                    let shared = Unmanaged<SharedWork>.fromOpaque(pointer).takeUnretainedValue()
                    shared.body(shared.queue)
                    return nil
                }, pointer)
            return status == 0 ? thread : nil
        }
        // A thread that couldn't be made is no loss but of speed: those that run take its chunks.
        work(queue)
        for thread in running { pthread_join(thread, nil) }
        withExtendedLifetime(shared) {}
    }
}

private final class SharedWork {
    let queue: ChunkQueue
    let body: (ChunkQueue) -> Void

    init(queue: ChunkQueue, body: @escaping (ChunkQueue) -> Void) {
        self.queue = queue
        self.body = body
    }
}

/// Runs blocking or long computing work on a thread made for it, with the given niceness (0...19), and awaits its result.
/// `work` is what knows where it can stop: it asks the cancellation.
package func onOwnThread<Result: Sendable>(
    niceness: Int32 = 0, _ work: @escaping @Sendable (Cancellation) throws -> Result
) async throws -> Result {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
        try await runOnOwnThread(niceness) { try work(cancellation) }
    } onCancel: {
        cancellation.cancel()
    }
}

/// Whether the task that awaits some work was cancelled, for the thread that does it.
package final class Cancellation: Sendable {
    private let isCancelled = Atomic(false)

    fileprivate func cancel() {
        isCancelled.store(true, ordering: .relaxed)
    }

    /// Throws when the work's result is not wanted any more.
    package func check() throws(CancellationError) {
        if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
    }
}

private func runOnOwnThread<Result: Sendable>(
    _ niceness: Int32, _ work: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let start = Start {
            // On Linux a thread has a niceness of its own, and threads made from it inherit that.
            if niceness > 0 { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
            continuation.resume(with: Swift.Result { try work() })
        }
        let pointer = Unmanaged.passRetained(start).toOpaque()
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue().body()
                return nil
            }, pointer)
        if status == 0 {
            pthread_detach(thread)
        } else {
            Unmanaged<Start>.fromOpaque(pointer).release()
            continuation.resume(throwing: EngineError.noThread(status))
        }
    }
}

private final class Start {
    let body: () -> Void

    init(body: @escaping () -> Void) {
        self.body = body
    }
}
