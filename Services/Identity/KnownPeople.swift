internal import Messages
internal import ModelManifest

/// Everybody known by the vectors of one network, and how faces are compared with them: first with those whom the request
/// claims, then with all.
struct KnownPeople {
    /// What comparing a face has told.
    enum Finding {
        /// It is the user of `face`, or of the person the user is.
        case known(Gallery.Face, Distance, by: Person.Means, sameAs: [UserID])
        /// It may be somebody known or not.
        case undecided(Distance?)
        /// It is nobody known.
        case nobody(Distance?)

        var isKnown: Bool { if case .known = self { true } else { false } }
    }

    /// A face to compare, by this network's vector.
    struct Question {
        var template: [Float]
        var declared: Declaration?
        var claims: [UserID]
    }

    let network: IdentityNetwork
    private let normalisation: ScoreNormalisation
    var gallery: Gallery

    init(network: IdentityNetwork, cohort: Cohort?) {
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

    /// What each face is found to be.
    func findings(_ questions: [Question]) -> [Finding] {
        var findings = questions.map(claimed)
        let open = findings.indices.filter { findings[$0] == nil }
        let others = max(1, identification.impostors?.count ?? 0)
        let neighbours = gallery.nearest(to: open.map { questions[$0].template }, others: others)
        for (index, neighbours) in zip(open, neighbours) {
            findings[index] = searched(questions[index], neighbours)
        }
        return findings.compactMap(\.self)
    }

    /// A user's own templates, to which another one may be added.
    func bank(of kept: [TemplateBank.Kept]) -> TemplateBank {
        TemplateBank(kept: kept, identification: identification, normalisation: normalisation)
    }

    /// The nearest of those whom the request claims, where one is near enough. Two can be compared without the others, and who
    /// is claimed is likely: so it need not be as near as a match, but for somebody who says that they are none of them.
    private func claimed(_ question: Question) -> Finding? {
        let limit = question.declared == .isNew ? identification.match : identification.claim
        var nearest: [UserID: (neighbour: Gallery.Neighbour, distance: Distance)] = [:]
        for claim in question.claims {
            guard let neighbour = gallery.nearest(to: question.template, of: claim) else { continue }
            let distance = normalisation.distance(from: question.template, to: neighbour)
            if distance.paired <= limit { nearest[neighbour.face.person] = (neighbour, distance) }
        }
        let ranked = nearest.values.sorted {
            ($0.distance.paired, $0.neighbour.face.id) < ($1.distance.paired, $1.neighbour.face.id)
        }
        guard let (neighbour, distance) = ranked.first else { return nil }
        let twins = ranked.dropFirst().filter { $0.distance.paired <= identification.match }
        return .known(neighbour.face, distance, by: .claim, sameAs: twins.map(\.neighbour.face.person))
    }

    private func searched(_ question: Question, _ neighbours: [Gallery.Neighbour]) -> Finding {
        let distance = neighbours.first.map { normalisation.distance(from: question.template, to: $0) }
        switch (identification.decide(distance: distance, declared: question.declared), distance) {
        case (.match, let distance?):
            let twins = neighbours.dropFirst().filter {
                normalisation.distance(from: question.template, to: $0.template) <= identification.same
            }
            return .known(neighbours[0].face, distance, by: .search, sameAs: twins.map(\.face.person))
        case (.enrol, _): return .nobody(distance)
        default: return .undecided(distance)
        }
    }
}
