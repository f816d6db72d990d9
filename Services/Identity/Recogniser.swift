package import Database
package import FoundationEssentials
package import Messages
import Metrics
package import ModelManifest

/// Decides whose face it is: searches the gallery in memory, and enrols who is in nobody's.
///
/// The gallery follows the database by the sequence numbers of `identity.changes`.
package actor Recogniser {
    private let database: Database
    private let network: IdentityNetwork
    private let normalisation: ScoreNormalisation
    private var gallery: Gallery
    private var sequence: Int64 = 0
    /// The last of the changes that were cleared away before this gallery could have missed one.
    private var cleared: Int64 = 0
    /// Whether the gallery has been read to its end: before that nobody can be recognised.
    package private(set) var isLoaded = false

    package init(database: Database, network: IdentityNetwork, cohort: Cohort?) {
        self.database = database
        self.network = network
        normalisation = ScoreNormalisation(cohort: cohort, impostors: network.identification.impostors)
        gallery = Gallery(width: network.width)
    }

    /// How many faces are known.
    package var count: Int { gallery.count }

    /// The network version whose templates are compared.
    package nonisolated var version: String { network.version }

    /// Reads what changed since the last time.
    package func catchUp() async throws {
        try await database.withConnection { connection in
            try await self.catchUp(on: connection)
        }
    }

    /// Recognises faces that waited together; each entry is what became of it.
    ///
    /// Loads the gallery first where that has not been done: half a gallery would take somebody known for uncertain.
    package func recognise(_ faces: [Probe]) async -> [Result<Person, any Error>] {
        guard !faces.isEmpty else { return [] }
        if !isLoaded {
            do {
                try await catchUp()
            } catch {
                return faces.map { _ in .failure(error) }
            }
        }
        let templates = faces.map { probe in
            probe.isComparable(with: network) ? probe.template.values : nil
        }
        var neighbours = nearest(to: templates.compactMap(\.self))[...]
        var people: [Result<Person, any Error>] = []
        for (probe, template) in zip(faces, templates) {
            let neighbour = template == nil ? nil : neighbours.removeFirst()
            people.append(await Result(catching: { try await decide(probe, neighbour: neighbour) }))
        }
        return people
    }

    /// Removes users with all faces, here and in the database; other workers follow.
    ///
    /// - Parameter submitted: when the request came in.
    /// - Returns: the request, with those who were known.
    package func erase(_ request: ErasureRequested, submitted: Date) async throws -> ErasureRequested {
        let known = try await database.transaction { connection in
            try connection.query(Schema.lock)
            return try request.users.filter { try FaceStore.erase($0, requested: submitted, on: connection) }
        }
        if !known.isEmpty { try await catchUp() }
        return ErasureRequested(
            users: request.users, known: request.users.filter { request.known.contains($0) || known.contains($0) })
    }

    /// What is known of a user, if there is one.
    package nonisolated func describe(_ user: UserID) async throws -> UserDescribed? {
        try await database.withConnection { try FaceStore.describe(user, on: $0) }
    }

    private func decide(_ probe: Probe, neighbour: Nearest?) async throws -> Person {
        guard probe.isComparable(with: network) else {
            throw RecognitionError.otherNetwork(theirs: probe.template.version, ours: version)
        }
        if let person = settle(probe, neighbour: neighbour) { return person }
        return try await enrol(probe)
    }

    /// The person, unless a user has to be made.
    private func settle(_ probe: Probe, neighbour: Nearest?) -> Person? {
        if let neighbour, neighbour.face.job == probe.job {
            return Person(standing: .new, user: neighbour.face.user, distance: neighbour.face.distance)
        }
        let decision = network.identification.decide(
            distance: neighbour?.distance, declaredNew: probe.declaredNew)
        let distance = neighbour?.distance.normalised
        return switch decision {
        case .match: Person(standing: .returning, user: neighbour?.face.user, distance: distance)
        case .undecided: Person(standing: .uncertain, user: nil, distance: distance, reason: .ambiguous)
        case .enrol: nil
        }
    }

    /// Makes a user, unless another worker made one of the same face meanwhile: the search is repeated inside the lock.
    private func enrol(_ probe: Probe) async throws -> Person {
        let person = try await database.transaction { connection in
            try connection.query(Schema.lock)
            try await self.catchUp(on: connection)
            let neighbour = await self.nearest(to: [probe.template.values])[0]
            if let person = await self.settle(probe, neighbour: neighbour) { return person }
            let distance = neighbour?.distance.normalised
            if try FaceStore.mayShowErased(job: probe.job, submitted: probe.submitted, on: connection) {
                return Person(standing: .uncertain, user: nil, distance: distance, reason: .erasedMeanwhile)
            }
            let user = try FaceStore.enrol(
                probe.template, job: probe.job, distance: distance, on: connection)
            return Person(standing: .new, user: user, distance: distance)
        }
        // The own face is read back like everybody else's; should that fail now, the next catching up brings it.
        try? await catchUp()
        return person
    }

    /// The face nearest by cosine distance.
    private struct Nearest {
        var face: Gallery.Face
        var distance: Distance
    }

    private func nearest(to probes: [[Float]]) -> [Nearest?] {
        zip(probes, gallery.nearest(to: probes, impostors: normalisation.impostors?.count ?? 0)).map {
            probe, neighbour in
            neighbour.map { Nearest(face: $0.face, distance: normalisation.distance(from: probe, to: $0)) }
        }
    }

    /// Two may read the same changes at once: what is already here is skipped.
    private func catchUp(on connection: Connection) async throws {
        while true {
            let start = sequence
            let changes = try await FaceStore.changes(after: start, version: version, on: connection)
            let cleared = try await FaceStore.cleared(on: connection)
            // Another began anew meanwhile.
            guard start <= sequence else { continue }
            if cleared > self.cleared {
                // A face that is gone may be in the gallery still, and the change that says so was cleared away unread.
                if 0 < start, start < cleared {
                    beginAnew()
                    continue
                }
                self.cleared = cleared
            }
            apply(changes)
            Gauge(label: "mien_identity_faces").record(gallery.count)
            if changes.count < FaceStore.page { return isLoaded = true }
        }
    }

    private func beginAnew() {
        gallery = Gallery(width: network.width)
        sequence = 0
        isLoaded = false
    }

    private func apply(_ changes: [FaceStore.Change]) {
        for change in changes where change.sequence > sequence {
            if let (face, template) = change.added, template.count == gallery.width {
                gallery.add(face, template: template)
            } else {
                gallery.remove(change.face)
            }
            sequence = change.sequence
        }
    }
}

extension Result where Failure == any Error {
    /// What an asynchronous body returns or throws.
    fileprivate init(catching body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
