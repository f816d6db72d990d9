/// The people most alike to a probe among the templates that were offered, each with the best of them.
struct BestPeople: Hashable, Sendable {
    private(set) var matches: [Match] = []
    private let places: Int

    init(places: Int) {
        precondition(places > 0)
        self.places = places
    }

    /// A template whose cosine is below it changes nothing.
    var bar: Double { matches.count < places ? -.infinity : matches[places - 1].cosine }

    /// Who fell out was below the bar, which only rises: another template of theirs that passes it is their best.
    mutating func offer(_ match: Match) {
        if matches.count == places, !match.precedes(matches[places - 1]) { return }
        if let own = matches.firstIndex(where: { $0.face.person == match.face.person }) {
            guard match.precedes(matches[own]) else { return }
            matches.remove(at: own)
        }
        matches.insert(match, at: matches.firstIndex(where: match.precedes) ?? matches.count)
        if matches.count > places { matches.removeLast() }
    }
}
