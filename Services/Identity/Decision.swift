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

/// What somebody said of themselves beside the picture.
package enum Declaration: Hashable, Sendable {
    case isNew
    case isKnown
}

extension Identification {
    /// Decides by two thresholds with a band between, from the distance to the nearest (`nil` when nobody is known).
    ///
    /// Where faces lie so close together that the normalised distance to nobody is small, a small cosine distance still keeps
    /// a face from being taken for somebody new. Who says that they are new is believed within the band, but not where the face
    /// is certainly known. Who says that they are known is so within the band where a claim of theirs would hold, and is never
    /// made a user.
    package func decide(distance: Distance?, declared: Declaration? = nil) -> Decision {
        guard let distance else { return declared == .isKnown ? .undecided : .enrol }
        if distance.normalised <= match { return .match }
        switch declared {
        case .isKnown: return distance.normalised <= enrol && distance.paired <= claim ? .match : .undecided
        case .isNew: return .enrol
        case nil: return distance.normalised > enrol && distance.cosine > near ? .enrol : .undecided
        }
    }
}
