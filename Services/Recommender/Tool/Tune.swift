import ArgumentParser
import Foundation
import ImplicitALS

/// Looks for the settings that recommend best on a file.
struct Tune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find rank, lambda and alpha for a file of ratings; needs no broker or database.",
        discussion: """
            Every combination is trained for a few epochs and measured by NDCG@10 on held-back ratings (full ranking); the \
            better third goes on with three times as many, until the last ones get all epochs (successive halving). Tune on \
            training data: a test set that settings were chosen on says nothing any more.

            \(RatingsInput.discussion)
            """)

    @OptionGroup var input: RatingsInput
    @Option(parsing: .upToNextOption, help: "Ranks to try.")
    var ranks = [TrainingParameters.Defaults.rank, 64, 128]
    @Option(parsing: .upToNextOption, help: "Values of lambda to try.")
    var lambdas = [TrainingParameters.Defaults.lambda, 1, 10, 50]
    @Option(parsing: .upToNextOption, help: "Values of alpha to try.")
    var alphas = [0.1, 1, 10, TrainingParameters.Defaults.alpha]
    @Option(help: "Hold back each user's last item (last), or a random fifth of each user's (fifth).")
    var holdOut = HoldOut.fifth
    @OptionGroup var training: RunOptions
    @Option(help: "Write the best settings to this file, in the form that MIEN_CONFIG names.") var output: OutputFile?
    @OptionGroup var json: JSONOutput

    private struct Candidate: Encodable {
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
        try output?.validate()
        do {
            for candidate in candidates { try parameters(candidate, iterations: training.iterations).validate() }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() async throws {
        let evaluation = try input.read().split(holdOut, seed: training.seed)
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
        guard let best = ranking.first else { return }
        let report = Report(
            measured: ranking.map { Measured(settings: $0.candidate, epochs: $0.budget, ndcg10: $0.score) },
            popularity: evaluation.measurePopularity(threads: training.threads).ndcg10)
        if json.isWanted { try json.print(report) } else { print(table(report)) }
        guard let output else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let settings = Configuration(
            als: .init(
                rank: best.candidate.rank, alpha: best.candidate.alpha, lambda: best.candidate.lambda,
                iterations: training.iterations))
        try output.write(try encoder.encode(settings))
    }

    /// What came of a candidate in the last round that it was in.
    private struct Measured: Encodable {
        var settings: Candidate
        var epochs: Int
        var ndcg10: Double
    }

    /// All candidates, the best first.
    private struct Report: Encodable {
        var measured: [Measured]
        /// Popularity's NDCG@10.
        var popularity: Double
        var best: Candidate?
        var isWorseThanPopularity: Bool

        init(measured: [Measured], popularity: Double) {
            (self.measured, self.popularity) = (measured, popularity)
            best = measured.first?.settings
            isWorseThanPopularity = (measured.first?.ndcg10 ?? 0) < popularity
        }
    }

    private func table(_ report: Report) -> String {
        var lines = ["  rank    alpha   lambda  epochs  NDCG@10"]
        for measured in report.measured {
            lines.append(
                String(
                    format: "%6d %8g %8g %7d %8.4f", measured.settings.rank, measured.settings.alpha,
                    measured.settings.lambda, measured.epochs, measured.ndcg10))
        }
        lines.append(String(format: "popularity %30.4f", report.popularity))
        if let best = report.best { lines.append("best: \(description(best))") }
        if report.isWorseThanPopularity { lines.append("Worse than popularity: the gate would refuse these settings.") }
        return lines.joined(separator: "\n")
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
