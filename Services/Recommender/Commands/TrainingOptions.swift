import ArgumentParser
import Glibc

/// What `train` and `evaluate` can be told about the training.
struct TrainingOptions: ParsableArguments {
    @Option(help: "Numbers a vector, 1 to 512.") var rank = 64
    @Option(help: "Confidence c = 1 + alpha · count (Hu, Koren, Volinsky 2008).") var alpha: Float = 10
    @Option(help: "Regularisation.") var lambda: Float = 10
    @Option(help: "Weight of all pairs instead of alpha: the iALS form (Rendle et al. 2021).") var unobserved: Float?
    @Option(help: "With --unobserved: how lambda grows with a row's ratings, 0 to 1.") var exponent: Float = 1
    @Option(help: "Epochs.") var iterations = 15
    @Option(help: "How rows are solved: conjugate-gradient, which is fast, or cholesky, which is exact.")
    var solver = Solver.conjugateGradient
    @Option(help: "The same seed gives the same factors.") var seed: UInt64 = 1
    @Option(help: "Threads; by default one a core.") var threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    func validate() throws {
        do {
            try parameters.validate()
        } catch {
            throw ValidationError("\(error)")
        }
        guard threads > 0 else { throw ValidationError("There must be at least one thread.") }
    }

    var parameters: TrainingParameters {
        TrainingParameters(
            rank: rank,
            objective: unobserved.map { .unobserved(weight: $0, lambda: lambda, exponent: exponent) }
                ?? .confidence(alpha: alpha, lambda: lambda),
            iterations: iterations, solver: solver, seed: seed)
    }

    /// Trains and shows each epoch's loss.
    func train(_ ratings: Ratings) async throws -> TrainedFactors {
        print("\(ratings.users) users, \(ratings.items) items, \(ratings.count) ratings")
        let (parameters, threads) = (parameters, threads)
        let progress = ProgressBar(total: parameters.iterations)
        return try await onOwnThread {
            try AlternatingLeastSquares.train(ratings, parameters, threads: threads, onEpoch: progress.show)
        }
    }
}

extension Solver: ExpressibleByArgument {}
