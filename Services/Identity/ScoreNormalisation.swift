internal import Glibc
internal import ModelManifest

/// What a cosine distance says where two faces lie.
///
/// Less where both are like many, by the network's cohort; and less the more the impostors, the known people who come after the
/// nearest, are alike to the face too. Who is known is much more like their own face than like any other, while a stranger is a
/// little like several (the thought of Lowe's ratio test, 2004, "Distinctive image features from scale-invariant keypoints").
/// The same thresholds so do among few faces and among many. The same picture stays at 0.
struct ScoreNormalisation {
    var cohort: Cohort?
    var impostors: Impostors?

    /// From a template (of unit length) to its neighbour.
    func distance(from probe: [Float], to neighbour: Gallery.Neighbour) -> Distance {
        let paired = neighbour.distance * exp(cohort?.score(of: probe, and: neighbour.template) ?? 0)
        return Distance(
            cosine: neighbour.distance, paired: paired,
            normalised: paired * exp(impostors?.score(of: neighbour.impostors) ?? 0))
    }

    /// Between two templates (of unit length) when nobody else is looked at.
    func distance(from one: [Float], to other: [Float]) -> Float {
        let cosine = zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
        return max(0, 1 - cosine) * exp(cohort?.score(of: one, and: other) ?? 0)
    }
}

extension Impostors {
    /// How much more than usual the next people are alike to a probe, by their cosines, weighted; 0 where they are less, or
    /// too few.
    func score(of cosines: [Float]) -> Float {
        guard cosines.count >= count else { return 0 }
        return weight * max(0, cosines.prefix(count).reduce(0, +) / Float(count) - usual)
    }
}
