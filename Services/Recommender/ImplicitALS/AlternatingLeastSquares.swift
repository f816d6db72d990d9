internal import LinearAlgebra
package import Processor

/// What a training gives: vectors whose products predict preference.
package struct TrainedFactors: Sendable, Equatable {
    /// Each user's vector solves that user's equations against `items`, as exactly as the solver does: a fold-in of the same
    /// ratings agrees.
    package var users: Factors
    package var items: Factors
    /// The objective after each epoch.
    package var losses: [Double]
}

/// Implicit alternating least squares (Hu, Koren, Volinsky 2008).
package enum AlternatingLeastSquares {
    /// Trains on `threads` threads, the caller's among them; `onEpoch` hears each epoch's number, from 1, and loss, and stops
    /// the training by throwing. `start`, of the same rank, users and items, is gone on from; without it the seed is.
    package static func train(
        _ ratings: Ratings, _ parameters: TrainingParameters, from start: TrainedFactors? = nil, threads: Int,
        instructions: Instructions = .best,
        onEpoch: (_ epoch: Int, _ loss: Double) throws -> Void = { _, _ in }
    ) throws -> TrainedFactors {
        try parameters.validate()
        guard ratings.count > 0 else { throw EngineError.noRatings }
        OpenBLAS.use(threads: 1)
        let rank = parameters.rank
        let userEquations = NormalEquations(parameters.objective, others: ratings.items)
        let itemEquations = NormalEquations(parameters.objective, others: ratings.users)
        var users = start?.users ?? Factors(count: ratings.users, rank: rank, seed: parameters.seed)
        var items = start?.items ?? Factors(count: ratings.items, rank: rank)
        precondition(users.rank == rank && users.count == ratings.users && items.count == ratings.items, "same shape")
        var (userMemory, itemMemory) = (
            Factors(count: users.count, rank: rank), Factors(count: items.count, rank: rank)
        )
        var losses: [Double] = []
        for epoch in 1...parameters.iterations {
            _ = try HalfStep(
                ratings: ratings.byItem, equations: itemEquations, fixed: users, solver: parameters.solver,
                instructions: instructions, threads: threads
            ).solve(&items, memory: &userMemory)
            let pairs = try HalfStep(
                ratings: ratings.byUser, equations: userEquations, fixed: items, solver: parameters.solver,
                instructions: instructions, threads: threads
            ).solve(&users, memory: &itemMemory)
            let loss = userEquations.lossScale * (pairs + itemEquations.penalty(of: items, ratings: ratings.byItem))
            losses.append(loss)
            try onEpoch(epoch, loss)
        }
        return TrainedFactors(users: users, items: items, losses: losses)
    }
}
