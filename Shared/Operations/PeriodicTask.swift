package import Logging
internal import ServiceLifecycle

/// Work that is done again and again, at once and after each pause, until graceful shutdown.
package struct PeriodicTask: Service {
    private let interval: Duration
    private let failure: Logger.Message
    private let logger: Logger
    private let work: @Sendable () async throws -> Void

    /// - Parameter failure: what is logged when the work throws; it is tried again after the pause.
    package init(
        every interval: Duration, failure: Logger.Message, logger: Logger,
        work: @escaping @Sendable () async throws -> Void
    ) {
        self.interval = interval
        self.failure = failure
        self.logger = logger
        self.work = work
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await work()
                } catch {
                    if Task.isCancelled { return }
                    logger.warning(failure, metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: interval)
            }
        }
    }
}
