internal import Broker
internal import Database
internal import LinearAlgebra
internal import Logging
internal import Messages
internal import ModelManifest
internal import Operations
internal import ServiceLifecycle

/// Identity's parts, put together from its settings.
struct IdentityService: Sendable {
    let assembly: ServiceRunner.Assembly

    init(_ settings: IdentitySettings, logger: Logger) throws {
        OpenBLAS.setThreads(settings.threads)
        logger.info("linear algebra ready", metadata: ["blas.core": "\(OpenBLAS.coreName)"])
        let network = try ModelManifest(directory: settings.models).identity
        let database = Database(settings.database, logger: logger)
        let store = Store(database: database, version: network.network.version, width: network.width)
        let gallery = Gallery(store: store)
        let publisher = Publisher(address: settings.broker, logger: logger)
        let recogniser = Recogniser(gallery: gallery, store: store, thresholds: network.identification)
        let stage = Stage(
            name: .identity, address: settings.broker, publisher: publisher, settings: settings.stage,
            handler: IdentityStage(recogniser: recogniser, store: store, logger: logger), logger: logger)
        let worker = IdentityWorker(gallery: gallery, store: store, stage: stage, poll: settings.poll, logger: logger)
        assembly = ServiceRunner.Assembly(
            services: [database, publisher, worker],
            readiness: [
                ReadinessCheck("database") { try await database.query("SELECT 1") },
                ReadinessCheck("gallery", { await gallery.isLoaded }, otherwise: "the known faces are being loaded"),
                ReadinessCheck(
                    "broker", { publisher.isConnected && stage.isConnected }, otherwise: "there is no connection"),
            ])
    }
}

/// Takes jobs once the known faces are loaded, and keeps them in step meanwhile.
struct IdentityWorker<Work: Service>: Service {
    let gallery: Gallery
    let store: Store
    let stage: Work
    let poll: Duration
    let logger: Logger

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await prepare() }
        } catch is CancellationError {
            return
        }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await cancelWhenGracefulShutdown { await gallery.follow(every: poll, logger: logger) } }
            try await stage.run()
            group.cancelAll()
        }
    }

    /// Migrates and loads; while the database is away, waits for it.
    private func prepare() async throws {
        while true {
            try await store.database.waitUntilAvailable()
            do {
                try await store.migrate()
                try await gallery.load()
                let count = await gallery.count
                logger.info(
                    "gallery loaded",
                    metadata: ["gallery.faces": "\(count)", "gallery.version": "\(store.version)"])
                return
            } catch let error as DatabaseError where error.isTransient {
                try Task.checkCancellation()
                logger.warning("gallery not loaded", metadata: ["database.error": "\(error)"])
            }
        }
    }
}
