internal import FaceSearch
internal import Messages
package import ModelManifest

/// Everybody known by the vectors of one network, and how faces are compared with them: first with those whom the request
/// claims, then with all.
package struct KnownPeople: Sendable {
    /// What comparing a face has told.
    enum Finding: Sendable {
        /// It is the user of `face`, or of the person the user is.
        case known(Gallery.Face, Distance, by: Person.Means, sameAs: [UserID])
        /// It may be somebody known or not.
        case undecided(Distance?)
        /// It is nobody known.
        case nobody(Distance?)

        var isKnown: Bool { if case .known = self { true } else { false } }
    }

    let network: IdentityNetwork
    let normalisation: ScoreNormalisation
    var gallery: Gallery

    /// Nobody yet, by the network that the manifest in a folder names.
    package init(models directory: String) throws(ModelManifestError) {
        let manifest = try ModelManifest(directory: directory)
        let network = try manifest.identity
        let cohort = try network.identification.cohort.map { file throws(ModelManifestError) in
            try Cohort(file, of: manifest, width: network.width)
        }
        self.init(network: network, cohort: cohort)
    }

    package init(network: IdentityNetwork, cohort: Cohort?) {
        self.network = network
        normalisation = ScoreNormalisation(cohort: cohort, impostors: network.identification.impostors)
        gallery = Gallery(width: network.width)
    }

    private var identification: Identification { network.identification }

    /// Forgets everybody.
    mutating func clear() { gallery = Gallery(width: network.width) }

    /// The face's vector by this network. Those of different networks are never compared.
    func template(of probe: Probe) -> [Float]? {
        probe.templates.first { $0.version == network.version && gallery.accepts($0.values) }?.values
    }

    /// The same network, and nobody known.
    var emptied: Self {
        var copy = self
        copy.clear()
        return copy
    }

    /// Adds a face of this network; those of others are nobody here.
    mutating func add(_ face: Gallery.Face, _ template: FaceTemplate) {
        if template.version == network.version { gallery.add(face, template: template.values) }
    }

    /// Follows a step in the life of the faces; those of other networks are nobody here.
    mutating func apply(_ change: FaceStore.Change) {
        if let (face, template) = change.added, template.version == network.version {
            add(face, template)
        } else {
            gallery.remove(change.face)
        }
    }

    /// What a face is found to be; `nil` where it has no vector of this network. A search that was made among the templates of a
    /// while ago goes on from there.
    func finding(_ probe: Probe, from search: FaceSearch? = nil) -> Finding? {
        guard let template = template(of: probe) else { return nil }
        if let finding = claimed(probe, template) { return finding }
        var search = search ?? self.search(for: [template])
        search.run(in: gallery.index)
        return searched(probe, template, gallery.neighbours(search.matches[0]))
    }

    /// Whether everybody has to be searched for a face: it has a vector of this network, and no claim tells whose it is.
    func mustSearch(for probe: Probe) -> Bool {
        template(of: probe).map { claimed(probe, $0) == nil } ?? false
    }

    /// A search for those who decide about each face.
    func search(for templates: [[Float]]) -> FaceSearch {
        FaceSearch(for: templates, people: 1 + max(1, identification.impostors?.count ?? 0))
    }

    /// A user's own templates, to which another one may be added.
    func bank(of kept: [TemplateBank.Kept]) -> TemplateBank {
        TemplateBank(kept: kept, identification: identification, normalisation: normalisation)
    }

    /// The nearest of those whom the request claims, where one is near enough. Two can be compared without the others, and who
    /// is claimed is likely: so it need not be as near as a match, but for somebody who says that they are none of them.
    private func claimed(_ probe: Probe, _ template: [Float]) -> Finding? {
        let limit = probe.declared == .isNew ? identification.match : identification.claim
        var nearest: [UserID: (neighbour: Gallery.Neighbour, distance: Distance)] = [:]
        for claim in probe.claims {
            guard let neighbour = gallery.nearest(to: template, of: claim) else { continue }
            let distance = normalisation.distance(from: template, to: neighbour)
            if distance.paired <= limit { nearest[neighbour.face.person] = (neighbour, distance) }
        }
        let ranked = nearest.values.sorted {
            ($0.distance.paired, $0.neighbour.face.id) < ($1.distance.paired, $1.neighbour.face.id)
        }
        guard let (neighbour, distance) = ranked.first else { return nil }
        let twins = ranked.dropFirst().filter { $0.distance.paired <= identification.match }
        return .known(neighbour.face, distance, by: .claim, sameAs: twins.map(\.neighbour.face.person))
    }

    private func searched(_ probe: Probe, _ template: [Float], _ neighbours: [Gallery.Neighbour]) -> Finding {
        let distance = neighbours.first.map { normalisation.distance(from: template, to: $0) }
        switch (identification.decide(distance: distance, declared: probe.declared), distance) {
        case (.match, let distance?):
            let twins = neighbours.dropFirst().filter {
                normalisation.distance(from: template, to: $0.template) <= identification.same
            }
            return .known(neighbours[0].face, distance, by: .search, sameAs: twins.map(\.face.person))
        case (.enrol, _): return .nobody(distance)
        default: return .undecided(distance)
        }
    }
}
