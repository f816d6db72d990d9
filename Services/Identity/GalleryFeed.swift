package import Database
package import Logging
internal import ServiceLifecycle

/// Keeps a worker's gallery in step with the database: loads it, then follows every change that is announced.
package struct GalleryFeed: Service {
    private let database: Database
    private let recogniser: Recogniser
    private let logger: Logger

    package init(database: Database, recogniser: Recogniser, logger: Logger) {
        self.database = database
        self.recogniser = recogniser
        self.logger = logger
    }

    /// Runs until graceful shutdown.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            // Listening begins with an element of its own, so the first load comes after it and misses nothing.
            for await _ in database.notifications(on: Schema.channel) {
                await follow()
            }
        }
    }

    /// Tries until it succeeds: a notification is not sent twice.
    private func follow() async {
        while !Task.isCancelled {
            do {
                let loading = await !recogniser.isLoaded
                try await recogniser.catchUp()
                if loading {
                    let count = await recogniser.count
                    logger.info("Gallery loaded", metadata: ["faces": "\(count)"])
                }
                return
            } catch {
                logger.warning("Gallery is behind", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}
