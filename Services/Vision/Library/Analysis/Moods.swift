import Messages
import ModelManifest

/// Which expressions make up which mood, as the manifest says.
struct Moods: Sendable {
    /// The expressions' names, in the order of the network's output.
    let labels: [String]
    private let members: [(mood: MoodName, positions: [Int])]

    /// Throws when the manifest's moods are not the four that travel.
    init(_ network: ExpressionNetwork) throws(InferenceError) {
        let labels = network.labels["ferplus"] ?? []
        self.labels = labels
        guard Set(network.moods.keys) == Set(MoodName.allCases.map(\.rawValue)) else {
            throw .unsupported(
                network: "expression",
                reason: "its moods are \(network.moods.keys.sorted()), and happy, neutral, surprised, upset are needed")
        }
        members = MoodName.allCases.map { mood in
            let expressions = network.moods[mood.rawValue] ?? []
            return (mood, expressions.compactMap { labels.firstIndex(of: $0) })
        }
    }

    /// The mood behind the probabilities of the single expressions, which are brought to a sum of 1.
    func mood(_ probabilities: [Float]) -> Mood {
        let total = probabilities.reduce(0, +)
        let shares = probabilities.map { $0 / total }
        let scores = members.map { (mood: $0.mood, score: $0.positions.reduce(0) { $0 + shares[$1] }) }
        let best = scores.max { $0.score < $1.score }!.mood
        let strongest = shares.indices.max { shares[$0] < shares[$1] }!
        return Mood(
            name: best,
            scores: Dictionary(uniqueKeysWithValues: scores.map { ($0.mood.rawValue, $0.score) }),
            expression: labels[strongest],
            expressions: Dictionary(uniqueKeysWithValues: zip(labels, shares)))
    }
}

extension ReactionReferences {
    /// The paper's f(user): 1 where the nearest reference is within tau.
    ///
    /// - Parameter expression: of unit length.
    func reaction(to expression: [Float]) -> Reaction {
        let distances = references.map { reference in
            let square = zip(reference.vector, expression).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            return (name: reference.name, distance: square.squareRoot())
        }
        let nearest = distances.min { $0.distance < $1.distance }!
        return Reaction(rating: nearest.distance <= tau ? 1 : 0, distance: nearest.distance, reference: nearest.name)
    }
}

/// Brings a vector to unit length; one without any length stays as it is.
func normalised(_ vector: [Float]) -> [Float] {
    let square = vector.reduce(0) { $0 + $1 * $1 }
    guard square > 0 else { return vector }
    let factor = 1 / square.squareRoot()
    return vector.map { $0 * factor }
}
