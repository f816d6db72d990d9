import ArgumentParser
import Foundation
import ImplicitALS

/// What `train` and `evaluate` can be told about the training.
struct TrainingOptions: ParsableArguments {
    @Option(help: "Numbers a vector, 1 to 512.") var rank = TrainingParameters.Defaults.rank
    @Option(help: "Confidence c = 1 + alpha · count (Hu, Koren, Volinsky 2008).")
    var alpha = TrainingParameters.Defaults.alpha
    @Option(help: "Regularisation.") var lambda = TrainingParameters.Defaults.lambda
    @Option(help: "Weight of all pairs instead of alpha: the iALS form (Rendle et al. 2021).") var unobserved: Float?
    @Option(help: "With --unobserved: how lambda grows with a row's ratings, 0 to 1.") var exponent: Float = 1
    @Option(help: "How rows are solved: conjugate-gradient, which is fast, or cholesky, which is exact.")
    var solver = Solver.conjugateGradient
    @OptionGroup var run: RunOptions

    func validate() throws {
        do {
            try parameters.validate()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    var parameters: TrainingParameters {
        TrainingParameters(
            rank: rank,
            objective: unobserved.map { .unobserved(weight: $0, lambda: lambda, exponent: exponent) }
                ?? .confidence(alpha: alpha, lambda: lambda),
            iterations: run.iterations, solver: solver, seed: run.seed)
    }

    /// Trains and shows each epoch's loss.
    func train(_ ratings: Ratings) async throws -> TrainedFactors {
        FileHandle.standardError.write(
            Data("\(ratings.users) users, \(ratings.items) items, \(ratings.count) ratings\n".utf8))
        let (parameters, threads) = (parameters, run.threads)
        let progress = ProgressBar(total: parameters.iterations)
        return try await onOwnThread { _ in
            try AlternatingLeastSquares.train(ratings, parameters, threads: threads, onEpoch: progress.show)
        }
    }
}

extension Solver: ExpressibleByArgument {}
