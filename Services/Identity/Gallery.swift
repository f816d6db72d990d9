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

    private var search: ExactSearch
    private var faces: [Int64: Face] = [:]
    /// The templates of each person, merged users' too.
    private var ids: [UserID: Set<Int64>] = [:]
    /// Users who were merged with another, and whom they are.
    private var aliases: [UserID: UserID] = [:]

    package init(width: Int) {
        search = ExactSearch(width: width)
    }

    package var width: Int { search.width }

    /// How many templates there are.
    package var count: Int { faces.count }

    /// Adds a face with its template of unit length, or replaces the one of the same id.
    package mutating func add(_ face: Face, template: [Float]) {
        if let earlier = faces.updateValue(face, forKey: face.id), earlier.person != face.person {
            ids[earlier.person]?.remove(face.id)
        }
        search.add(face.id, of: face.person, template: template)
        ids[face.person, default: []].insert(face.id)
        aliases[face.user] = face.person == face.user ? nil : face.person
    }

    /// Forgets a face; does nothing when it is not here.
    package mutating func remove(_ id: Int64) {
        guard let face = faces.removeValue(forKey: id) else { return }
        search.remove(id)
        ids[face.person]?.remove(id)
        if ids[face.person]?.isEmpty == true { ids[face.person] = nil }
    }

    /// A user's own templates, the oldest first.
    package func templates(of user: UserID) -> [TemplateBank.Kept] {
        let person = aliases[user] ?? user
        return ids[person, default: []].filter { faces[$0]?.user == user }.sorted().compactMap { id in
            search[id].map { TemplateBank.Kept(id: id, template: Array($0)) }
        }
    }

    /// The nearest template of a person, by any of their users; `nil` where there is none.
    package func nearest(to probe: [Float], of user: UserID) -> Neighbour? {
        let own = ids[aliases[user] ?? user, default: []].map { id in (id, cosine(probe, id)) }
        return own.max { ($0.1, $1.0) < ($1.1, $0.0) }.flatMap { neighbour($0.0, cosine: $0.1) }
    }

    /// The person nearest to each template (of unit length) and `others` people who come next, by each one's nearest template; the
    /// first has the cosines of the rest, `impostors` at most.
    package func nearest(to probes: [[Float]], others: Int) -> [[Neighbour]] {
        search.nearest(to: probes, count: 1 + others).map { hits in
            var neighbours = hits.compactMap { neighbour($0.id, cosine: $0.cosine) }
            if !neighbours.isEmpty { neighbours[0].impostors = hits.dropFirst().map(\.cosine) }
            return neighbours
        }
    }

    private func neighbour(_ id: Int64, cosine: Float) -> Neighbour? {
        guard let face = faces[id], let template = search[id] else { return nil }
        return Neighbour(face: face, template: Array(template), distance: max(0, 1 - cosine))
    }

    private func cosine(_ probe: [Float], _ id: Int64) -> Float {
        search[id].map { zip($0, probe).reduce(0) { $0 + $1.0 * $1.1 } } ?? -1
    }
}
