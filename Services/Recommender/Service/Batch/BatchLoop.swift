package import Logging
import Metrics
import ServiceLifecycle

/// Looks again and again whether a batch is due, until graceful shutdown.
package struct BatchLoop: Service {
    private let batch: Batch
    private let logger: Logger

    /// Looks each of the batch's intervals, or when the next run of all workers may begin.
    package init(_ batch: Batch, logger: Logger) {
        self.batch = batch
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var pause = batch.interval
            while !Task.isCancelled {
                guard (try? await Task.sleep(for: pause)) != nil else { return }
                pause = await runOnce()
            }
        }
    }

    /// A run that fails leaves the current version as it is; the next one starts anew. Returns how long to wait for it.
    private func runOnce() async -> Duration {
        do {
            switch try await batch.run() {
            case .published: count("published")
            case .waiting(let new): logger.debug("als waits for ratings", metadata: ["als.new": "\(new)"])
            case .refused: count("refused")
            case .early(let wait): return min(wait, batch.interval)
            case .pinned(let version):
                logger.debug("als waits: a version is pinned", metadata: ["als.version": "\(version)"])
            case .nothingToLearn, .elsewhere: break
            }
        } catch {
            if Task.isCancelled { return batch.interval }
            count("failed")
            logger.error("als run failed", metadata: ["error": "\(error)"])
        }
        return batch.interval
    }

    private func count(_ outcome: String) {
        Counter(label: "mien_als_runs_total", dimensions: [("outcome", outcome)]).increment()
    }
}
