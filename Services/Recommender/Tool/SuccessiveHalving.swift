/// Finds the best of many candidates without paying for each in full (Jamieson and Talwalkar 2016): all get a little, the better
/// part gets `factor` times as much, and so on until few are left that get all there is.
package struct SuccessiveHalving: Sendable {
    /// One round: how much each candidate that is left may spend, and how many of them go on to the next.
    package struct Round: Sendable, Equatable {
        package var budget: Int
        package var survivors: Int

        package init(budget: Int, survivors: Int) {
            self.budget = budget
            self.survivors = survivors
        }
    }

    /// From the cheapest to the last one, which leaves one candidate.
    package let rounds: [Round]

    /// Rounds for `candidates` of them (1 or more), the last of which spends `budget` a candidate; `factor` is 2 or more.
    package init(candidates: Int, budget: Int, factor: Int = 3) {
        precondition(candidates > 0 && budget > 0 && factor > 1, "something to choose from, and something to spend")
        var sizes = [candidates]
        while let last = sizes.last, last > factor { sizes.append((last + factor - 1) / factor) }
        let count = sizes.count
        rounds = sizes.indices.map { index in
            // A round's share of the budget falls by the factor towards the first.
            let share = (index..<count - 1).reduce(budget) { left, _ in max(1, left / factor) }
            return Round(budget: share, survivors: index + 1 < count ? sizes[index + 1] : 1)
        }
    }

    /// Runs the rounds; `score` is higher for better candidates. Of equal ones the earlier goes on.
    ///
    /// Returns what was measured last of every candidate, best first: those that got furthest before those that were left behind.
    package func run<Candidate>(
        _ candidates: [Candidate], score: (_ candidate: Candidate, _ budget: Int) throws -> Double
    ) rethrows -> [(candidate: Candidate, budget: Int, score: Double)] {
        var left = candidates
        var ranking: [(candidate: Candidate, budget: Int, score: Double)] = []
        for (index, round) in rounds.enumerated() {
            var scored: [(candidate: Candidate, budget: Int, score: Double)] = []
            for candidate in left { scored.append((candidate, round.budget, try score(candidate, round.budget))) }
            let order = scored.indices.sorted {
                (scored[$0].score, $1) > (scored[$1].score, $0)
            }.map { scored[$0] }
            let goOn = index + 1 < rounds.count ? round.survivors : 0
            left = order.prefix(goOn).map(\.candidate)
            ranking.insert(contentsOf: order.dropFirst(goOn), at: 0)
        }
        return ranking
    }
}
