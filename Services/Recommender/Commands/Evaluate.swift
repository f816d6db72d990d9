import ArgumentParser
import Foundation

/// Trains on a part of a file and measures the lists on the rest.
struct Evaluate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure lists on held-back ratings of a user,item,count CSV; needs no broker or database.",
        discussion: """
            Protocol: every item competes but those the user has in training (full ranking). Recall@20 is hits over the \
            smaller of 20 and the number held back; NDCG has binary gains and is over a perfect list's. Means over the \
            users with something held back. Popularity is measured beside it, as a check on the evaluator.
            """)

    @Argument(help: "The file of user,item,count lines.") var file: String
    @Option(help: "Hold back each user's last rating in the file (last), or a random fifth of each user's (fifth).")
    var holdOut = HoldOut.fifth
    @Option(help: "Hold back this file's ratings instead, and train on all of the first.") var test: String?
    @OptionGroup var training: TrainingOptions

    func run() async throws {
        let file = try RatingsFile(path: file)
        let evaluation =
            if let test { file.evaluation(heldBack: try RatingsFile(path: test)) } else {
                file.split(holdOut, seed: training.run.seed)
            }
        let factors = try await training.train(evaluation.training)
        print("            Recall@20  NDCG@10  NDCG@20  users")
        for (name, metrics) in [
            ("als", evaluation.measure(factors, threads: training.run.threads)),
            ("popularity", evaluation.measurePopularity(threads: training.run.threads)),
        ] {
            print(
                String(
                    format: "%@ %9.4f %8.4f %8.4f %6d",
                    name.padding(toLength: 11, withPad: " ", startingAt: 0) as NSString,
                    metrics.recall20, metrics.ndcg10, metrics.ndcg20, metrics.users))
        }
    }
}

extension HoldOut: ExpressibleByArgument {}
