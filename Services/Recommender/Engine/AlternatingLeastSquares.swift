internal import LinearAlgebra

/// How to train.
package struct TrainingParameters: Sendable, Hashable, Codable {
    /// Numbers a vector, 1...512.
    package var rank: Int
    package var objective: Objective
    /// Epochs, 1 or more; each solves all items, then all users.
    package var iterations: Int
    package var solver: Solver
    /// What the users' first vectors are drawn from. The same seed gives the same bits with any number of threads.
    package var seed: UInt64

    package init(
        rank: Int, objective: Objective, iterations: Int, solver: Solver = .conjugateGradient, seed: UInt64 = 1
    ) {
        self.rank = rank
        self.objective = objective
        self.iterations = iterations
        self.solver = solver
        self.seed = seed
    }

    /// To go on from vectors that these settings made of nearly the same ratings: a third of the epochs.
    package var resumed: TrainingParameters {
        var resumed = self
        resumed.iterations = max(1, iterations / 3)
        return resumed
    }

    /// Throws `EngineError.parameter` for what cannot be trained with.
    package func validate() throws(EngineError) {
        guard (1...512).contains(rank) else { throw .parameter("The rank must lie in 1...512, not \(rank).") }
        guard iterations >= 1 else { throw .parameter("There must be at least one iteration, not \(iterations).") }
        try objective.validate()
    }
}

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
