package import Messages
internal import ModelManifest

/// Two users who look like one person: proposed to operators, and never merged by themselves.
package struct Likeness: Hashable, Sendable {
    package var user: UserID
    package var other: UserID
    /// Between the two templates most alike, when nobody else is looked at.
    package var distance: Float
}

extension KnownPeople {
    /// Everybody who looks like somebody else, the most alike first; compares every template with every other.
    ///
    /// Two templates must be strictly alike, and the oldest of both users as alike as a claim: one template that came to the wrong
    /// user makes nobody the other.
    func likenesses() -> [Likeness] {
        var found: [Set<UserID>: Likeness] = [:]
        let faces = gallery.all
        for start in stride(from: 0, to: faces.count, by: Self.block) {
            let block = faces[start..<min(start + Self.block, faces.count)]
            let neighbours = gallery.nearest(to: block.map(\.template), others: 1)
            for (own, neighbours) in zip(block, neighbours) {
                guard let other = neighbours.first(where: { $0.face.person != own.face.person }) else { continue }
                let distance = normalisation.distance(from: own.template, to: other.template)
                let pair: Set = [own.face.person, other.face.person]
                guard distance <= network.identification.same, distance < found[pair]?.distance ?? 2,
                    let (one, two) = oldest(own.face.user, other.face.user),
                    normalisation.distance(from: one, to: two) <= network.identification.claim
                else { continue }
                found[pair] = Likeness(user: own.face.person, other: other.face.person, distance: distance)
            }
        }
        return found.values.sorted { ($0.distance, $0.user.description) < ($1.distance, $1.user.description) }
    }

    private func oldest(_ user: UserID, _ other: UserID) -> ([Float], [Float])? {
        guard let one = gallery.templates(of: user).first, let two = gallery.templates(of: other).first else {
            return nil
        }
        return (one.template, two.template)
    }

    /// Templates compared with all others at a time.
    private static let block = 64
}
