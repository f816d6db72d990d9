import Glibc

/// How well lists found what was held back, as means over the users who have something held back.
package struct RankingMetrics: Sendable, Equatable, Codable {
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

    fileprivate static func += (sum: inout RankingMetrics, other: RankingMetrics) {
        sum.recall20 += other.recall20
        sum.ndcg10 += other.ndcg10
        sum.ndcg20 += other.ndcg20
        sum.users += other.users
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
        return measure(threads: threads) { user in top[user].map { Int32($0.item) } }
    }

    /// Measures the list that is the same for all but for what each has in training: items by how many users have them.
    package func measurePopularity(threads: Int) -> RankingMetrics {
        let counts = (0..<training.items).map { training.byItem.range(of: $0).count }
        let popular = (0..<Int32(training.items)).sorted { (counts[Int($1)], $0) < (counts[Int($0)], $1) }
        return measure(threads: threads) { user in
            let seen = training.byUser.columns[training.byUser.range(of: user)]
            return Array(popular.lazy.filter { !seen.containsAscending($0) }.prefix(20))
        }
    }

    /// Measures any lists, best item first; `list` is asked on `threads` threads at once.
    package func measure(threads: Int = 1, list: (_ user: Int) -> [Int32]) -> RankingMetrics {
        let block = 1024
        var sums = [RankingMetrics](
            repeating: RankingMetrics(recall20: 0, ndcg10: 0, ndcg20: 0, users: 0),
            count: (heldBack.count + block - 1) / block)
        sums.withUnsafeMutableBufferPointer { sums in
            withThreads(threads, chunks: sums.count) { queue in
                while let chunk = queue.next() {
                    for user in chunk * block..<min((chunk + 1) * block, heldBack.count) {
                        let wanted = heldBack.columns[heldBack.range(of: user)]
                        if !wanted.isEmpty { sums[chunk] += Self.metrics(list(user).prefix(20), wanted: wanted) }
                    }
                }
            }
        }
        var sum = sums.reduce(into: RankingMetrics(recall20: 0, ndcg10: 0, ndcg20: 0, users: 0), +=)
        guard sum.users > 0 else { return sum }
        sum.recall20 /= Double(sum.users)
        sum.ndcg10 /= Double(sum.users)
        sum.ndcg20 /= Double(sum.users)
        return sum
    }

    /// One user's, by the first 20 of a list; `wanted` ascends.
    private static func metrics(_ list: ArraySlice<Int32>, wanted: ArraySlice<Int32>) -> RankingMetrics {
        let hits = list.map(wanted.containsAscending)
        return RankingMetrics(
            recall20: Double(hits.count { $0 }) / Double(min(20, wanted.count)),
            ndcg10: gain(hits.prefix(10)) / gain(repeatElement(true, count: min(10, wanted.count))),
            ndcg20: gain(hits) / gain(repeatElement(true, count: min(20, wanted.count))), users: 1)
    }

    private static func gain(_ hits: some Sequence<Bool>) -> Double {
        hits.enumerated().reduce(0) { $1.element ? $0 + 1 / log2(Double($1.offset) + 2) : $0 }
    }
}

extension ArraySlice<Int32> {
    /// Whether a number is among these, which ascend.
    fileprivate func containsAscending(_ number: Int32) -> Bool {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < endIndex && self[low] == number
    }
}
