import ArgumentParser
import Foundation

/// Looks for the settings that recommend best on a file.
struct Tune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find rank, lambda and alpha for a user,item,count CSV; needs no broker or database.",
        discussion: """
            Every combination is trained for a few epochs and measured by NDCG@10 on held-back ratings (full ranking); the \
            better third goes on with three times as many, until the last ones get all epochs (successive halving). Tune on \
            training data: a test set that settings were chosen on says nothing any more.
            """)

    @Argument(help: "The file of user,item,count lines.") var file: String
    @Option(parsing: .upToNextOption, help: "Ranks to try.") var ranks = [32, 64, 128]
    @Option(parsing: .upToNextOption, help: "Values of lambda to try.") var lambdas: [Float] = [0.1, 1, 10, 50]
    @Option(parsing: .upToNextOption, help: "Values of alpha to try.") var alphas: [Float] = [0.1, 1, 10, 40]
    @Option(help: "Hold back each user's last rating in the file (last), or a random fifth of each user's (fifth).")
    var holdOut = HoldOut.fifth
    @OptionGroup var training: RunOptions
    @Option(help: "Write the best settings to this file, in the form that MIEN_CONFIG names.") var output: String?

    private struct Candidate {
        var rank: Int
        var alpha: Float
        var lambda: Float
    }

    /// The part of a service's settings that was looked for.
    private struct Configuration: Encodable {
        struct ALS: Encodable {
            var rank: Int
            var alpha: Float
            var lambda: Float
            var iterations: Int
        }
        var als: ALS
    }

    func validate() throws {
        guard !ranks.isEmpty, !lambdas.isEmpty, !alphas.isEmpty else {
            throw ValidationError("There must be a rank, a lambda and an alpha to try.")
        }
        do {
            for candidate in candidates { try parameters(candidate, iterations: training.iterations).validate() }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() async throws {
        let evaluation = try RatingsFile(path: file).split(holdOut, seed: training.seed)
        let halving = SuccessiveHalving(candidates: candidates.count, budget: training.iterations)
        let ranking = try await onOwnThread { _ in
            var done = 0
            return try halving.run(candidates) { candidate, epochs in
                let factors = try AlternatingLeastSquares.train(
                    evaluation.training, parameters(candidate, iterations: epochs), threads: training.threads)
                let metrics = evaluation.measure(factors, threads: training.threads)
                done += 1
                FileHandle.standardError.write(
                    Data("\(done): \(description(candidate)), \(epochs) epochs: NDCG@10 \(metrics.ndcg10)\n".utf8))
                return metrics.ndcg10
            }
        }
        print("  rank    alpha   lambda  epochs  NDCG@10")
        for entry in ranking {
            print(
                String(
                    format: "%6d %8g %8g %7d %8.4f", entry.candidate.rank, entry.candidate.alpha,
                    entry.candidate.lambda, entry.budget, entry.score))
        }
        print(String(format: "popularity %30.4f", evaluation.measurePopularity(threads: training.threads).ndcg10))
        guard let best = ranking.first?.candidate else { return }
        print("best: \(description(best))")
        guard let output else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let settings = Configuration(
            als: .init(rank: best.rank, alpha: best.alpha, lambda: best.lambda, iterations: training.iterations))
        try encoder.encode(settings).write(to: URL(filePath: output), options: .atomic)
    }

    private var candidates: [Candidate] {
        ranks.flatMap { rank in
            alphas.flatMap { alpha in lambdas.map { Candidate(rank: rank, alpha: alpha, lambda: $0) } }
        }
    }

    private func parameters(_ candidate: Candidate, iterations: Int) -> TrainingParameters {
        TrainingParameters(
            rank: candidate.rank, objective: .confidence(alpha: candidate.alpha, lambda: candidate.lambda),
            iterations: iterations, seed: training.seed)
    }

    private func description(_ candidate: Candidate) -> String {
        "rank \(candidate.rank), alpha \(candidate.alpha), lambda \(candidate.lambda)"
    }
}
