package import Messages

/// A template that is kept of a person, of whom there may be several.
package struct KnownFace: Hashable, Sendable {
    /// The template's, unique.
    package var id: Int64
    package var person: UserID

    package init(id: Int64, person: UserID) {
        self.id = id
        self.person = person
    }
}

/// The template of a person that is most alike to a probe.
package struct Match: Hashable, Sendable {
    package let face: KnownFace
    /// In float64, of the vectors as they are: a product, -1.02...1.02.
    package let cosine: Double
    /// When the index got the template, by its count.
    let arrival: Int

    /// Matches come in this order: the more alike first, and of equal ones the older template.
    func precedes(_ other: Match) -> Bool {
        cosine != other.cosine ? cosine > other.cosine : face.id < other.face.id
    }
}
