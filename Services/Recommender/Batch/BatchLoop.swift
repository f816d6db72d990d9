package import Logging
import Metrics
import ServiceLifecycle

/// Runs the batch again and again, until graceful shutdown.
package struct BatchLoop: Service {
    private let batch: Batch
    private let interval: Duration
    private let logger: Logger

    /// Waits `interval` before each run.
    package init(_ batch: Batch, interval: Duration, logger: Logger) {
        self.batch = batch
        self.interval = interval
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                guard (try? await Task.sleep(for: interval)) != nil else { return }
                await runOnce()
            }
        }
    }

    /// A run that fails leaves the current version as it is; the next one starts anew.
    private func runOnce() async {
        do {
            switch try await batch.run() {
            case .published: count("published")
            case .waiting(let new): logger.debug("als waits for ratings", metadata: ["als.new": "\(new)"])
            case .refused: count("refused")
            case .nothingToLearn, .elsewhere: break
            }
        } catch {
            if Task.isCancelled { return }
            count("failed")
            logger.error("als run failed", metadata: ["error": "\(error)"])
        }
    }

    private func count(_ outcome: String) {
        Counter(label: "mien_als_runs_total", dimensions: [("outcome", outcome)]).increment()
    }
}
