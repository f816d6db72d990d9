import ArgumentParser
import Foundation
import ImplicitALS

/// Trains on a part of a file and measures the lists on the rest.
struct Evaluate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure lists on held-back ratings of a file; needs no broker or database.",
        discussion: """
            Protocol: every item competes but those the user has in training (full ranking). Recall@20 is hits over the \
            smaller of 20 and the number held back; NDCG has binary gains and is over a perfect list's. Means over the \
            users with something held back. Popularity is measured beside it: what does not beat it is worth nothing.

            \(RatingsInput.discussion)
            """)

    @OptionGroup var input: RatingsInput
    @Option(help: "Hold back each user's last item (last), or a random fifth of each user's (fifth).")
    var holdOut = HoldOut.fifth
    @Option(help: "Hold back this file's ratings instead, and train on all of the first.") var test: String?
    @OptionGroup var training: TrainingOptions
    @OptionGroup var json: JSONOutput

    func validate() throws {
        guard test != "-" || input.file != "-" else { throw ValidationError("Only one file can be standard input.") }
    }

    func run() async throws {
        let file = try input.read()
        let evaluation =
            if let test { try file.evaluation(heldBack: RatingsFile(path: test, columns: input.columns)) } else {
                try file.split(holdOut, seed: training.run.seed)
            }
        let factors = try await training.train(evaluation.training)
        let report = Report(
            users: evaluation.training.users, items: evaluation.training.items, ratings: evaluation.training.count,
            als: evaluation.measure(factors, threads: training.run.threads),
            popularity: evaluation.measurePopularity(threads: training.run.threads))
        if json.isWanted { try json.print(report) } else { print(report.table) }
    }

    /// What was measured.
    struct Report: Encodable {
        var users: Int
        var items: Int
        /// In training.
        var ratings: Int
        var als: RankingMetrics
        var popularity: RankingMetrics
        /// Whether lists by these settings are worse than the same popular items for everybody, by NDCG@10 as the gate has it.
        var isWorseThanPopularity: Bool

        init(users: Int, items: Int, ratings: Int, als: RankingMetrics, popularity: RankingMetrics) {
            (self.users, self.items, self.ratings) = (users, items, ratings)
            (self.als, self.popularity) = (als, popularity)
            isWorseThanPopularity = als.ndcg10 < popularity.ndcg10
        }

        var table: String {
            var lines = ["            Recall@20  NDCG@10  NDCG@20  users"]
            for (name, metrics) in [("als", als), ("popularity", popularity)] {
                lines.append(
                    String(
                        format: "%@ %9.4f %8.4f %8.4f %6d",
                        name.padding(toLength: 11, withPad: " ", startingAt: 0) as NSString,
                        metrics.recall20, metrics.ndcg10, metrics.ndcg20, metrics.users))
            }
            if isWorseThanPopularity { lines.append("Worse than popularity: the gate would refuse these settings.") }
            return lines.joined(separator: "\n")
        }
    }
}

extension HoldOut: ExpressibleByArgument {}
