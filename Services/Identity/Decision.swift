internal import Glibc
package import Messages
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
    /// Decides by two thresholds with a band between, from the distance to the nearest (normalised by the cohort; `nil` when
    /// nobody is known) of so many known faces.
    ///
    /// Who says that they are new is believed within the band, but not where the face is certainly known.
    package func decide(distance: Float?, among count: Int, declaredNew: Bool) -> Decision {
        guard let distance else { return .enrol }
        let decades = Self.decades(count)
        let match = match - matchPerDecade * decades
        if distance <= match { return .match }
        if distance > max(match, enrol - enrolPerDecade * decades) || declaredNew { return .enrol }
        return .undecided
    }

    /// How many powers of ten there are from the thousand faces that the thresholds are for to this number.
    ///
    /// Fewer than a hundred count as a hundred: few faces are often a family's, who are more alike than strangers.
    private static func decades(_ count: Int) -> Float {
        Float(log10(Double(max(count, 100)) / 1000))
    }

    /// Why a face is not fit to be recognised or enrolled, if it is not.
    package func refusal(of quality: FaceQuality) -> Person.Reason? {
        if quality.size < minimumFace { return .faceTooSmall }
        if quality.sharpness < minimumSharpness { return .faceBlurred }
        if abs(quality.yaw) > maximumYaw { return .faceTurned }
        return nil
    }
}
