import Glibc

/// How well lists found what was held back, as means over the users who have something held back.
package struct RankingMetrics: Sendable, Equatable {
    /// Hits among the first 20, over the smaller of 20 and the number held back.
    package var recall20: Double
    /// Σ 1/log₂(place + 1) over the hits among the first 10, over that sum of a perfect list.
    package var ndcg10: Double
    package var ndcg20: Double
    /// How many users were counted.
    package var users: Int

    package init(recall20: Double, ndcg10: Double, ndcg20: Double, users: Int) {
        self.recall20 = recall20
        self.ndcg10 = ndcg10
        self.ndcg20 = ndcg20
        self.users = users
    }
}

/// Full-ranking evaluation: every item competes but those the user has in training, none are sampled
/// (Krichene and Rendle 2020 show how samples mislead).
package struct RankingEvaluation: Sendable {
    package let training: Ratings
    /// What was held back: one row a user; values are not looked at.
    package let heldBack: SparseRows

    package init(training: Ratings, heldBack: SparseRows) {
        precondition(training.users == heldBack.count, "one row a user on both sides")
        self.training = training
        self.heldBack = heldBack
    }

    /// Measures factors trained on `training`.
    package func measure(_ factors: TrainedFactors, threads: Int) -> RankingMetrics {
        let top = TopN(users: factors.users, items: factors.items, seen: [training.byUser], limit: 20, threads: threads)
        return measure { user in top[user].map(\.item) }
    }

    /// Measures the list that is the same for all but for what each has in training: items by how many users have them.
    package func measurePopularity(threads: Int) -> RankingMetrics {
        let counts = (0..<training.items).map { Float(training.byItem.range(of: $0).count) }
        let everybody = [Float](repeating: 1, count: training.users)
        return measure(
            TrainedFactors(
                users: Factors(rank: 1, values: everybody), items: Factors(rank: 1, values: counts), losses: []),
            threads: threads)
    }

    /// Measures any lists, best item first.
    package func measure(list: (_ user: Int) -> [Int]) -> RankingMetrics {
        var sum = RankingMetrics(recall20: 0, ndcg10: 0, ndcg20: 0, users: 0)
        for user in 0..<heldBack.count {
            let wanted = Set(heldBack.columns[heldBack.range(of: user)].map(Int.init))
            guard !wanted.isEmpty else { continue }
            let hits = list(user).prefix(20).map(wanted.contains)
            sum.users += 1
            sum.recall20 += Double(hits.count { $0 }) / Double(min(20, wanted.count))
            sum.ndcg10 += Self.gain(hits.prefix(10)) / Self.gain(repeatElement(true, count: min(10, wanted.count)))
            sum.ndcg20 += Self.gain(hits.prefix(20)) / Self.gain(repeatElement(true, count: min(20, wanted.count)))
        }
        guard sum.users > 0 else { return sum }
        sum.recall20 /= Double(sum.users)
        sum.ndcg10 /= Double(sum.users)
        sum.ndcg20 /= Double(sum.users)
        return sum
    }

    private static func gain(_ hits: some Sequence<Bool>) -> Double {
        hits.enumerated().reduce(0) { $1.element ? $0 + 1 / log2(Double($1.offset) + 2) : $0 }
    }
}

/// How ratings are divided into training and held back.
package enum HoldOut: String, Sendable, CaseIterable {
    /// Each user's last rating, in the file's order; users with one rating keep it.
    case last
    /// A random fifth of each user's ratings, rounded down: users with fewer than five keep all.
    case fifth
}
