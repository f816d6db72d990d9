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
            var pause = interval
            while !Task.isCancelled {
                guard (try? await Task.sleep(for: pause)) != nil else { return }
                // The gate would hardly say something else so soon, and asking it costs a training.
                pause = await runOnce() ? interval : interval * 10
            }
        }
    }

    /// A run that fails leaves the current version as it is; the next one starts anew. Returns false after the gate's refusal.
    private func runOnce() async -> Bool {
        do {
            switch try await batch.run() {
            case .published: count("published")
            case .waiting(let new): logger.debug("als waits for ratings", metadata: ["als.new": "\(new)"])
            case .refused:
                count("refused")
                return false
            case .nothingToLearn, .elsewhere: break
            }
        } catch {
            if Task.isCancelled { return true }
            count("failed")
            logger.error("als run failed", metadata: ["error": "\(error)"])
        }
        return true
    }

    private func count(_ outcome: String) {
        Counter(label: "mien_als_runs_total", dimensions: [("outcome", outcome)]).increment()
    }
}
