package import FaceSearch
package import Messages

/// The known people of one network version, in memory: their templates, and whose they are.
///
/// A value without I/O. Comparing everybody is left to a search of its own, which knows nothing of users.
package struct Gallery: Sendable {
    /// One template.
    package struct Face: Hashable, Sendable {
        package var id: Int64
        package var user: UserID
        /// Whom the user is: another one where two were merged.
        package var person: UserID
        /// The job whose picture it is of.
        package var job: JobID
        package var origin: FaceOrigin
        /// The distance by which it was decided; `nil` for the first face of all.
        package var distance: Float?
    }

    /// The template nearest to a face, and how near others come.
    package struct Neighbour: Hashable, Sendable {
        package var face: Face
        package var template: [Float]
        /// Cosine distance, 0...2.
        package var distance: Float
        /// The cosines of the people who come next, each by the nearest template, the most alike first.
        package var impostors: [Float] = []
    }

    /// The templates alone: what is searched is a copy of it, which stays as it is.
    package private(set) var index: FaceIndex
    private var faces: [Int64: Face] = [:]
    /// The templates of each person, merged users' too.
    private var ids: [UserID: Set<Int64>] = [:]
    /// Users who were merged with another, and whom they are.
    private var aliases: [UserID: UserID] = [:]

    package init(width: Int) {
        index = FaceIndex(width: width)
    }

    package var width: Int { index.width }

    /// Whether a template can be compared: as wide as the others, and of unit length.
    package func accepts(_ template: [Float]) -> Bool { index.accepts(template) }

    /// How many templates there are.
    package var count: Int { faces.count }

    /// Adds a face with its template, or replaces the one of the same id. A template that cannot be compared is nobody's.
    package mutating func add(_ face: Face, template: [Float]) {
        guard accepts(template) else { return remove(face.id) }
        if let earlier = faces.updateValue(face, forKey: face.id), earlier.person != face.person {
            ids[earlier.person]?.remove(face.id)
        }
        index.insert(KnownFace(id: face.id, person: face.person), template: template)
        ids[face.person, default: []].insert(face.id)
        aliases[face.user] = face.person == face.user ? nil : face.person
    }

    /// Forgets a face; does nothing when it is not here.
    package mutating func remove(_ id: Int64) {
        guard let face = faces.removeValue(forKey: id) else { return }
        index.remove([id])
        ids[face.person]?.remove(id)
        if ids[face.person]?.isEmpty == true { ids[face.person] = nil }
    }

    /// Every face with its template, the oldest first.
    package var all: [(face: Face, template: [Float])] {
        faces.values.sorted { $0.id < $1.id }.compactMap { face in index.template(of: face.id).map { (face, $0) } }
    }

    /// A user's own templates, the oldest first.
    package func templates(of user: UserID) -> [TemplateBank.Kept] {
        let person = aliases[user] ?? user
        return ids[person, default: []].filter { faces[$0]?.user == user }.sorted().compactMap { id in
            index.template(of: id).map { TemplateBank.Kept(id: id, template: $0) }
        }
    }

    /// The nearest template of a person, by any of their users; `nil` where there is none.
    package func nearest(to probe: [Float], of user: UserID) -> Neighbour? {
        let own = ids[aliases[user] ?? user, default: []].map { id in (id, cosine(probe, id)) }
        return own.max { ($0.1, $1.0) < ($1.1, $0.0) }.flatMap { neighbour($0.0, cosine: $0.1) }
    }

    /// What a search has found of a probe.
    package func neighbours(_ matches: [Match]) -> [Neighbour] {
        var neighbours = matches.compactMap { neighbour($0.face.id, cosine: $0.cosine) }
        if !neighbours.isEmpty { neighbours[0].impostors = matches.dropFirst().map { Float($0.cosine) } }
        return neighbours
    }

    /// The person nearest to each template (of unit length) and `others` people who come next, by each one's nearest template; the
    /// first has the cosines of the rest, `impostors` at most.
    package func nearest(to probes: [[Float]], others: Int) -> [[Neighbour]] {
        var search = FaceSearch(for: probes, people: 1 + others)
        search.run(in: index)
        return search.matches.map(neighbours)
    }

    private func neighbour(_ id: Int64, cosine: Double) -> Neighbour? {
        guard let face = faces[id], let template = index.template(of: id) else { return nil }
        return Neighbour(face: face, template: template, distance: Float(max(0, 1 - cosine)))
    }

    private func cosine(_ probe: [Float], _ id: Int64) -> Double {
        index.template(of: id).map { zip($0, probe).reduce(0) { $0 + Double($1.0) * Double($1.1) } } ?? -1
    }
}
