package import Database
internal import Dispatch
internal import FaceSearch
package import FoundationEssentials
package import Messages
import Metrics
import ModelManifest

/// Decides whose face it is: compares it with those whom the request claims and then with everybody known, and enrols who is
/// nobody.
///
/// What is known follows the database by the sequence numbers of `identity.changes`.
package actor Recogniser {
    private let database: Database
    private let limit: Int
    /// Everybody, as the current network knows them.
    private var known: KnownPeople
    /// The same people as the previous network knows them, while one is named.
    private var earlier: KnownPeople?
    private var sequence: Int64 = 0
    /// The reading of everybody that is under way.
    private var loading: Task<Void, any Error>?
    /// The last of the changes that were cleared away before this gallery could have missed one.
    private var cleared: Int64 = 0
    /// Whether the gallery has been read to its end: before that nobody can be recognised.
    package private(set) var isLoaded = false
    /// The network version whose templates are compared.
    package nonisolated let version: String
    private let versions: [String]
    private nonisolated let threads: Int
    private nonisolated let searching = DispatchQueue(label: "mien.identity.search", attributes: .concurrent)

    /// - Parameters:
    ///   - current: by whose network people are enrolled and found.
    ///   - previous: by whose network they are found whom the current one does not know yet.
    ///   - templates: how many of them are kept of a user at most, by each network.
    ///   - threads: on how many a search computes.
    package init(
        database: Database, current: KnownPeople, previous: KnownPeople? = nil, templates: Int = 8, threads: Int = 1
    ) {
        self.database = database
        limit = templates
        self.threads = threads
        known = current
        earlier = previous
        version = current.network.version
        versions = [version] + (previous.map { [$0.network.version] } ?? [])
    }

    /// How many templates are known.
    package var count: Int { known.gallery.count }

    /// Reads what changed since the last time; at first everybody.
    package func catchUp() async throws {
        if !isLoaded, sequence == 0 { try await load() }
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
        var people: [Result<Person, any Error>] = []
        for (probe, searches) in zip(faces, await searches(for: faces)) {
            people.append(await Result(catching: { try await settle(probe, searches) }))
        }
        return people
    }

    /// Removes users with all faces, and who is one person with them, here and in the database; other workers follow.
    ///
    /// - Parameter submitted: when the request came in.
    /// - Returns: the request, with everybody whom it reached, and who of them was known.
    package func erase(_ request: ErasureRequested, job: JobID, submitted: Date) async throws -> ErasureRequested {
        let (users, known) = try await database.transaction { connection in
            try connection.query(Schema.lock)
            let users = try FaceStore.reached(by: request, job: job, on: connection)
            return (users, try users.filter { try FaceStore.erase($0, requested: submitted, on: connection) })
        }
        if !known.isEmpty { try await catchUp() }
        return ErasureRequested(
            users: users, known: users.filter { request.known.contains($0) || known.contains($0) })
    }

    /// Keeps by which text a user agreed to be recognised.
    package nonisolated func agree(_ user: UserID, to text: String, at moment: Date) async throws {
        try await database.withConnection { try FaceStore.agree(user, to: text, at: moment, on: $0) }
    }

    /// Makes two users one person, or two again, here and in the database; other workers follow.
    package func merge(_ request: MergeRequested) async throws -> UsersMerged {
        let merged = try await database.transaction { connection in
            try connection.query(Schema.lock)
            return request.isUndone
                ? try Merges.part(request.user, from: request.other, on: connection)
                : try Merges.merge(request.user, with: request.other, on: connection)
        }
        try await catchUp()
        return merged
    }

    /// Everybody who looks like somebody else, the most alike first.
    package func likenesses() -> [Likeness] { known.likenesses() }

    /// What is known of a user, if there is one.
    package nonisolated func describe(_ user: UserID) async throws -> UserDescribed? {
        try await database.withConnection { try FaceStore.describe(user, on: $0) }
    }

    /// How far the searches for a face have come, by each network.
    private struct Searches {
        var current: FaceSearch?
        var earlier: FaceSearch?
    }

    /// Searches for faces together, in copies of what is known: meanwhile others are answered, and faces come and go.
    private func searches(for probes: [Probe]) async -> [Searches] {
        var searches = await search(for: probes, in: known).map { Searches(current: $0) }
        guard let earlier else { return searches }
        let open = probes.indices.filter { known.finding(probes[$0], from: searches[$0].current)?.isKnown != true }
        for (index, search) in zip(open, await search(for: open.map { probes[$0] }, in: earlier)) {
            searches[index].earlier = search
        }
        return searches
    }

    private func search(for probes: [Probe], in people: KnownPeople) async -> [FaceSearch?] {
        let open = probes.indices.filter { people.mustSearch(for: probes[$0]) }
        var found = [FaceSearch?](repeating: nil, count: probes.count)
        guard !open.isEmpty else { return found }
        let search = people.search(for: open.compactMap { people.template(of: probes[$0]) })
        let finished = await run(search, in: people.gallery.index)
        for (place, index) in open.enumerated() { found[index] = finished.only(place) }
        return found
    }

    /// Searches on a thread of its own: it computes for long.
    private nonisolated func run(_ search: FaceSearch, in index: FaceIndex) async -> FaceSearch {
        await withCheckedContinuation { continuation in
            searching.async {
                var search = search
                search.run(in: index, threads: self.threads)
                continuation.resume(returning: search)
            }
        }
    }

    /// What a face is found to be: by the current network, else by the previous one; `nil` where it has no vector that tells.
    private func finding(_ probe: Probe, _ searches: Searches) -> KnownPeople.Finding? {
        let current = known.finding(probe, from: searches.current)
        guard let earlier, current?.isKnown != true else { return current }
        let finding = earlier.finding(probe, from: searches.earlier)
        switch finding {
        // Who is known to neither is only enrolled with a vector of the current network.
        case .nobody, nil: return current
        default: return finding
        }
    }

    private func settle(_ probe: Probe, _ searches: Searches) async throws -> Person {
        guard let finding = finding(probe, searches) else {
            throw RecognitionError.otherNetwork(theirs: probe.templates.map(\.version), ours: version)
        }
        if case .known(let face, let distance, let means, _) = finding, face.job != probe.job {
            await keep(probe, as: face.user, distance, means)
        }
        return if let person = person(probe, finding) { person } else { try await enrol(probe, searches) }
    }

    /// The person, unless a user has to be made.
    private func person(_ probe: Probe, _ finding: KnownPeople.Finding) -> Person? {
        switch finding {
        case .known(let face, _, _, let sameAs) where face.job == probe.job:
            // The job comes again, and gets its first answer.
            let means: Person.Means? =
                switch face.origin {
                case .enrolment: nil
                case .claim: .claim
                case .search, .migration: .search
                }
            return Person(
                standing: means == nil ? .new : .returning, user: face.person, by: means, distance: face.distance,
                sameAs: sameAs.isEmpty ? nil : sameAs)
        case .known(let face, let distance, let means, let sameAs):
            return Person(
                standing: .returning, user: face.person, by: means, distance: distance.decisive(by: means),
                sameAs: sameAs.isEmpty ? nil : sameAs)
        case .undecided(let distance):
            return Person(standing: .uncertain, user: nil, distance: distance?.normalised, reason: .ambiguous)
        case .nobody: return nil
        }
    }

    /// Makes a user, unless another worker made one of the same face meanwhile: inside the lock the search goes on among those who
    /// have come since.
    private func enrol(_ probe: Probe, _ searches: Searches) async throws -> Person {
        let person = try await database.transaction { connection in
            try connection.query(Schema.lock)
            try await self.catchUp(on: connection)
            guard let finding = await self.finding(probe, searches), let template = await self.known.template(of: probe)
            else { throw RecognitionError.otherNetwork(theirs: probe.templates.map(\.version), ours: self.version) }
            if let person = await self.person(probe, finding) { return person }
            let distance = finding.distance?.normalised
            if try FaceStore.mayShowErased(job: probe.job, submitted: probe.submitted, on: connection) {
                return Person(standing: .uncertain, user: nil, distance: distance, reason: .erasedMeanwhile)
            }
            let user = UserID.random()
            try FaceStore.add(user, on: connection)
            try FaceStore.add(
                FaceTemplate(version: self.version, values: template), to: user, job: probe.job, origin: .enrolment,
                distance: distance, on: connection)
            return Person(standing: .new, user: user, distance: distance)
        }
        // The own face is read back like everybody else's; should that fail now, the next catching up brings it.
        try? await catchUp()
        return person
    }

    /// Keeps a returning user's template, where that says more of them than is known.
    ///
    /// The answer does not depend on it: while the database is away people are recognised as ever, and nothing is learnt.
    private func keep(_ probe: Probe, as user: UserID, _ distance: Distance, _ means: Person.Means) async {
        guard let template = known.template(of: probe) else { return }
        let distance = distance.decisive(by: means)
        guard change(of: known.gallery.templates(of: user), by: template, at: distance) != .none else { return }
        do {
            try await database.transaction { connection in
                try connection.query(Schema.lock)
                // Another worker may have added one meanwhile, and the user may be gone.
                let kept = try FaceStore.templates(of: user, version: self.version, on: connection)
                let change = await self.change(of: kept, by: template, at: distance)
                if try change == .none || !FaceStore.isKnown(user, on: connection) { return }
                if case .replace(let other) = change { try FaceStore.remove(other, on: connection) }
                try FaceStore.add(
                    FaceTemplate(version: self.version, values: template), to: user, job: probe.job,
                    origin: kept.isEmpty ? .migration : means == .claim ? .claim : .search, distance: distance,
                    on: connection)
            }
            try await catchUp()
        } catch {
            Counter(label: "mien_identity_templates_lost_total").increment()
        }
    }

    /// What becomes of a user's templates. Whom only the previous network knows has none, and gets the first where that one matches.
    private func change(of kept: [TemplateBank.Kept], by template: [Float], at distance: Float) -> TemplateBank.Change {
        if kept.isEmpty { return distance <= earlier?.network.identification.match ?? -1 ? .add : .none }
        return known.bank(of: kept).change(for: template, at: distance, limit: limit)
    }

    /// Reads everybody on the connection's thread, while others are answered here. Who asks meanwhile waits for the same reading.
    private func load() async throws {
        if let loading { return try await loading.value }
        let task = Task { try await readEverybody() }
        loading = task
        defer { loading = nil }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    private func readEverybody() async throws {
        let (versions, empty) = (versions, (known.emptied, earlier?.emptied))
        let (known, earlier, state) = try await database.transaction { connection in
            var (known, earlier) = empty
            let state = try FaceStore.all(versions: versions, on: connection) { face, template in
                known.add(face, template)
                earlier?.add(face, template)
            }
            return (known, earlier, state)
        }
        (self.known, self.earlier) = (known, earlier)
        (sequence, cleared) = state
    }

    /// Two may read the same changes at once: what is already here is skipped.
    private func catchUp(on connection: Connection) async throws {
        while true {
            let start = sequence
            let changes = try await FaceStore.changes(after: start, versions: versions, on: connection)
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
            Gauge(label: "mien_identity_faces").record(count)
            if changes.count < FaceStore.page { return isLoaded = true }
        }
    }

    private func beginAnew() {
        known.clear()
        earlier?.clear()
        sequence = 0
        isLoaded = false
    }

    private func apply(_ changes: [FaceStore.Change]) {
        for change in changes where change.sequence > sequence {
            known.apply(change)
            earlier?.apply(change)
            sequence = change.sequence
        }
    }
}

extension Distance {
    /// The one by which somebody was found.
    fileprivate func decisive(by means: Person.Means) -> Float { means == .claim ? paired : normalised }
}

extension KnownPeople.Finding {
    /// To the nearest, if anybody was compared.
    fileprivate var distance: Distance? {
        switch self {
        case .known(_, let distance, _, _): distance
        case .undecided(let distance), .nobody(let distance): distance
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
