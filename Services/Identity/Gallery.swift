internal import Database
internal import Logging
internal import Messages
internal import Metrics

/// The known faces of one network version in memory, kept in step with the store by its changes.
///
/// Searches run one after another, on the actor.
actor Gallery {
    private let store: Store
    private var faces: FaceMatrix
    private(set) var isLoaded = false
    /// The last change that is in.
    private(set) var sequence: Int64 = 0

    private let size = Meter(label: "mien_gallery_faces")
    private let search = Timer(label: "mien_gallery_search_seconds")

    init(store: Store) {
        self.store = store
        faces = FaceMatrix(width: store.width)
    }

    var count: Int { faces.count }

    /// Reads all faces anew.
    func load() async throws {
        let loaded = try await store.load()
        guard !isLoaded || loaded.sequence >= sequence else { return }
        (faces, sequence) = (loaded.faces, loaded.sequence)
        isLoaded = true
        size.set(faces.count)
    }

    /// Reads what has changed.
    func catchUp() async throws {
        while true {
            let changes = try await store.changes(after: sequence)
            apply(changes)
            if changes.count < Store.changesAtOnce { return }
        }
    }

    /// Takes in changes in their order; those that are in already are passed over.
    func apply(_ changes: [Change]) {
        for change in changes where change.sequence > sequence {
            sequence = change.sequence
            switch change.event {
            case .enrolled(let face, let template): faces.insert(face, template: template)
            case .erased(let face): faces.remove(face: face)
            case .irrelevant: break
            }
        }
        size.set(faces.count)
    }

    /// The nearest face to each of some unit vectors.
    func nearest(to templates: [[Float]]) -> [Nearest?] {
        let clock = ContinuousClock()
        let start = clock.now
        defer { search.record(duration: start.duration(to: clock.now)) }
        return faces.nearest(to: templates)
    }

    /// The face that a job enrolled, as far as this gallery knows.
    func face(enrolledBy job: JobID) -> EnrolledFace? {
        faces.face(enrolledBy: job)
    }

    /// Keeps in step until cancelled: when the store notifies of a change, and every `interval` in case none came
    /// through.
    nonisolated func follow(every interval: Duration, logger: Logger) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in self.store.notifications { await self.catchUp(logger) }
            }
            group.addTask {
                while (try? await Task.sleep(for: interval)) != nil { await self.catchUp(logger) }
            }
        }
    }

    private func catchUp(_ logger: Logger) async {
        do {
            try await catchUp()
        } catch {
            logger.debug("gallery not caught up", metadata: ["database.error": "\(error)"])
        }
    }
}
