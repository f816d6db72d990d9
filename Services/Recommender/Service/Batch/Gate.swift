package import ImplicitALS

/// Decides with which settings a version is trained, and whether it may be published at all, by a training on less.
///
/// The latest rating of everybody with `fewestRatings` or more is held back; what the settings make of the rest is measured
/// by full ranking (`RankingEvaluation`), beside the settings of the current version and beside popularity. The service's own
/// order of events is what counts here: to recommend is to guess what comes next.
package struct Gate: Sendable {
    /// How settings did: means over the users with a rating held back.
    package struct Score: Sendable, Hashable, Codable {
        package var ndcg10: Double
        package var recall20: Double

        init(_ metrics: RankingMetrics) {
            (ndcg10, recall20) = (metrics.ndcg10, metrics.recall20)
        }
    }

    /// What was measured, as it is kept with a version.
    package struct Figures: Sendable, Hashable, Codable {
        /// The settings as they are set now.
        package var proposed: Score
        /// The settings of the current version, where they are others.
        package var current: Score?
        /// Whether the current version's settings recommend better, so that they stay.
        package var keepsCurrent = false
        package var popularity: Score
        /// How many users had a rating held back.
        package var users: Int

        /// The settings that a version is trained with.
        package var chosen: Score { keepsCurrent ? current ?? proposed : proposed }
    }

    /// What a gate came to.
    package struct Verdict: Sendable {
        /// What to train with; `nil` where even the better settings recommend worse than popularity does.
        package var parameters: TrainingParameters?
        /// What the chosen settings made of the ratings that were not held back.
        package var trained: TrainedFactors
        package var figures: Figures
    }

    /// With fewer users to measure by, chance decides.
    package var fewestUsers: Int
    /// Users with fewer ratings keep all of them in the training.
    package var fewestRatings: Int
    /// What of NDCG@10 the proposed settings may lack of the current ones', as a share: so much is chance.
    package var tolerance: Double
    /// How many times popularity's NDCG@10 the settings must reach.
    package var margin: Double

    package init(
        fewestUsers: Int = 1_000, fewestRatings: Int = 5, tolerance: Double = 0.01, margin: Double = 1
    ) {
        self.fewestUsers = fewestUsers
        self.fewestRatings = fewestRatings
        self.tolerance = tolerance
        self.margin = margin
    }

    /// Weighs the proposed settings against the current version's; `nil` with too few users to tell.
    ///
    /// - Parameters:
    ///   - latest: the item each user rated last, as an index of `ratings.items`; -1 where none was enjoyed.
    ///   - onEpoch: is called after each epoch of a training, and stops everything by throwing.
    package func judge(
        _ ratings: Ratings, latest: [Int32], proposed: TrainingParameters, current: TrainingParameters?, threads: Int,
        onEpoch: () throws -> Void = {}
    ) throws -> Verdict? {
        guard let evaluation = holdBack(latest, of: ratings, threads: threads) else { return nil }
        func measure(_ parameters: TrainingParameters) throws -> (trained: TrainedFactors, metrics: RankingMetrics) {
            let trained = try AlternatingLeastSquares.train(evaluation.training, parameters, threads: threads) { _, _ in
                try onEpoch()
            }
            return (trained, evaluation.measure(trained, threads: threads))
        }
        var (trained, metrics) = try measure(proposed)
        var figures = Figures(
            proposed: Score(metrics), popularity: Score(evaluation.measurePopularity(threads: threads)),
            users: metrics.users)
        var parameters = proposed
        if let current, current != proposed {
            let other = try measure(current)
            let score = Score(other.metrics)
            figures.current = score
            figures.keepsCurrent = figures.proposed.ndcg10 < score.ndcg10 * (1 - tolerance)
            if figures.keepsCurrent { (parameters, trained) = (current, other.trained) }
        }
        let isWorthIt = figures.chosen.ndcg10 >= figures.popularity.ndcg10 * margin
        return Verdict(parameters: isWorthIt ? parameters : nil, trained: trained, figures: figures)
    }

    /// The latest rating of each user with enough of them, and everything else to train on.
    private func holdBack(_ latest: [Int32], of ratings: Ratings, threads: Int) -> RankingEvaluation? {
        let isCounted = (0..<ratings.users).map { user in
            latest[user] >= 0 && ratings.byUser.range(of: user).count >= fewestRatings
        }
        guard isCounted.count(where: \.self) >= fewestUsers else { return nil }
        var (training, heldBack) = (SparseRows(capacity: ratings.count), SparseRows())
        for user in 0..<ratings.users {
            let range = ratings.byUser.range(of: user)
            let last = isCounted[user] ? ratings.byUser.columns[range].firstIndex(of: latest[user]) : nil
            training.append(row: user, of: ratings.byUser, without: last)
            let held = last.map { $0..<$0 + 1 } ?? range.prefix(0)
            heldBack.append(columns: ratings.byUser.columns[held], values: ratings.byUser.values[held])
        }
        return RankingEvaluation(
            training: Ratings(byUser: training, items: ratings.items, threads: threads), heldBack: heldBack)
    }
}
