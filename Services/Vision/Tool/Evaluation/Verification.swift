/// Accuracy and rates of a verification, from distances.
enum Verification {
    /// The accuracy over folds, each at the threshold that is best for the others, and the mean of those thresholds.
    ///
    /// - Parameter pairs: the distance (`nil` counts as wrong), whether it is one person, and the fold.
    static func crossValidated(
        _ pairs: [(distance: Float?, isSame: Bool, fold: Int)], folds: Int
    ) -> (accuracy: Double, threshold: Double) {
        var (right, sum) = (0.0, 0.0)
        for fold in 0..<folds {
            let threshold = bestThreshold(pairs.filter { $0.fold != fold })
            let own = pairs.filter { $0.fold == fold }
            let correct = own.count { pair in pair.distance.map { ($0 <= threshold) == pair.isSame } ?? false }
            right += Double(correct) / Double(max(own.count, 1))
            sum += Double(threshold)
        }
        return (right / Double(folds), sum / Double(folds))
    }

    /// The threshold that gets most pairs right: the middle of the first best gap between distances.
    static func bestThreshold(_ pairs: [(distance: Float?, isSame: Bool, fold: Int)]) -> Float {
        let sorted = pairs.compactMap { pair in pair.distance.map { ($0, pair.isSame) } }.sorted { $0.0 < $1.0 }
        guard let first = sorted.first else { return 0 }
        // Below all distances, every pair of two people is right.
        var correct = sorted.count { !$0.1 }
        var best = (correct: correct, threshold: first.0 - 1e-6)
        for (index, entry) in sorted.enumerated() {
            correct += entry.1 ? 1 : -1
            let next = index + 1 < sorted.count ? sorted[index + 1].0 : entry.0 + 1e-6
            if correct > best.correct, next > entry.0 { best = (correct, (entry.0 + next) / 2) }
        }
        return best.threshold
    }

    /// The share of pairs of one person that are accepted at the similarity at which at most a share `falseAcceptance`
    /// of the pairs of two people are. Pairs without a similarity count as refused.
    static func trueAcceptance(
        same: [Float], others: [Float], samePairs: Int, otherPairs: Int, falseAcceptance: Double
    ) -> Double {
        let allowed = Int(Double(otherPairs) * falseAcceptance)
        let highest = others.sorted(by: >)
        // The first one that must be refused; all above it are accepted.
        let limit = allowed < highest.count ? highest[allowed] : -.infinity
        return Double(same.count { $0 > limit }) / Double(max(samePairs, 1))
    }
}
