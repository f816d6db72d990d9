package import ModelManifest

/// What is to be done about a face, from its distance to the nearest known one.
package enum Decision: Hashable, Sendable {
    /// It is the nearest one's user.
    case match
    /// It is nobody known: make a user.
    case enrol
    /// It might be either.
    case undecided
}

extension Identification {
    /// Decides by two thresholds with a band between, from the distance to the nearest (`nil` when nobody is known).
    ///
    /// Where faces lie so close together that the normalised distance to nobody is small, a small cosine distance still keeps
    /// a face from being taken for somebody new. Who says that they are new is believed within the band, but not where the face
    /// is certainly known.
    package func decide(distance: Distance?, declaredNew: Bool) -> Decision {
        guard let distance else { return .enrol }
        if distance.normalised <= match { return .match }
        if distance.normalised > enrol && distance.cosine > near || declaredNew { return .enrol }
        return .undecided
    }
}
