internal import ModelManifest

/// A user's own templates, and whether another one belongs to them.
///
/// Several looks of one person are told from others better than one, but a wrong template would bring its like: it would be the
/// nearest to the wrong person's next face. So a face must be nearer than a match to come in, and most of the templates that are
/// there must know it too, the oldest by two votes: one wrong template is never most.
package struct TemplateBank {
    /// A template that is kept.
    package struct Kept: Hashable, Sendable {
        package var id: Int64
        package var template: [Float]
    }

    /// What becomes of a template.
    package enum Change: Hashable {
        case none
        case add
        /// It takes the place of one that is too like another.
        case replace(Int64)
    }

    /// The cosine distance up to which a face shows nothing that is not known yet, as the next frame of one snapshot.
    static let leastDifference: Float = 0.05

    /// Oldest first.
    package var kept: [Kept]
    let identification: Identification
    let normalisation: ScoreNormalisation

    /// What to do about a face that was taken for the user at a distance.
    ///
    /// Beyond `limit` templates it must differ more from all of them than the two most alike, of which the older one goes.
    func change(for template: [Float], at distance: Float, limit: Int) -> Change {
        guard distance <= identification.add, !kept.isEmpty else { return .none }
        let nearest = kept.map { 1 - cosine($0.template, template) }.min() ?? 2
        guard nearest >= Self.leastDifference else { return .none }
        if kept.count < limit { return isKnown(template) ? .add : .none }
        guard let (older, difference) = mostAlike, nearest > difference, isKnown(template) else { return .none }
        return .replace(older)
    }

    private func isKnown(_ template: [Float]) -> Bool {
        let votes = kept.enumerated().reduce(0) { votes, entry in
            let distance = normalisation.distance(from: template, to: entry.element.template)
            return votes + (distance <= identification.claim ? entry.offset == 0 ? 2 : 1 : 0)
        }
        return 2 * votes > kept.count + 1
    }

    /// The older of the two templates most alike, and their cosine distance.
    private var mostAlike: (older: Int64, difference: Float)? {
        kept.indices.flatMap { first in
            kept[(first + 1)...].map { (kept[first].id, 1 - cosine(kept[first].template, $0.template)) }
        }.min { $0.1 < $1.1 }
    }

    private func cosine(_ one: [Float], _ other: [Float]) -> Float {
        zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
