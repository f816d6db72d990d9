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

    /// How the service trains unless it is told otherwise, and the commands on files with it.
    package enum Defaults {
        package static let rank = 32
        package static let alpha: Float = 20
        package static let lambda: Float = 0.1
        package static let iterations = 15
        package static let seed: UInt64 = 1
    }

    package init(
        rank: Int, objective: Objective, iterations: Int, solver: Solver = .conjugateGradient,
        seed: UInt64 = Defaults.seed
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
