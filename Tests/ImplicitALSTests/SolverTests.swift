import ImplicitALS
import Processor
import Testing

@testable import struct ImplicitALS.HalfStep
@testable import struct ImplicitALS.NormalEquations

/// The fast solver against the exact one, which `EngineTests` holds against the papers' formulas.
@Suite(.timeLimit(.minutes(5))) struct SolverTests {
    private static let instructions = Instructions.allCases.filter(\.isAvailable)

    private func train(
        _ ratings: Ratings, rank: Int, _ objective: Objective, _ solver: Solver, iterations: Int = 15, threads: Int = 2,
        instructions: Instructions = .best
    ) throws -> TrainedFactors {
        let parameters = TrainingParameters(
            rank: rank, objective: objective, iterations: iterations, solver: solver, seed: 4)
        return try AlternatingLeastSquares.train(ratings, parameters, threads: threads, instructions: instructions)
    }

    @Test func thisProcessorHasThePortableInstructions() {
        #expect(Self.instructions.contains(.portable))
        #expect(Self.instructions.contains(.best))
    }

    /// Whatever the rows' last vectors were: the loss that a half-step leaves is within 0.1 % of the exact one's.
    @Test(arguments: EngineTests.objectives, instructions)
    func aHalfStepIsWithinATenthOfAPercentOfTheExactOne(objective: Objective, instructions: Instructions) throws {
        let ratings = Ratings(randomRatings(users: 90, items: 70, density: 0.2, seed: 2))
        for rank in [1, 3, 16, 40] {
            let fixed = Factors(count: 70, rank: rank, seed: 1)
            func loss(_ solver: Solver, from start: Factors) throws -> Double {
                var (users, memory) = (start, fixed)
                return try HalfStep(
                    ratings: ratings.byUser, equations: NormalEquations(objective, others: 70), fixed: fixed,
                    solver: solver, instructions: instructions, threads: 2
                ).solve(&users, memory: &memory)
            }
            let exact = try loss(.cholesky, from: Factors(count: 90, rank: rank))
            for start in [Factors(count: 90, rank: rank), Factors(count: 90, rank: rank, seed: 9)] {
                let fast = try loss(.conjugateGradient, from: start)
                #expect(fast < 1.001 * exact)
                #expect(fast > 0.9999 * exact)
            }
        }
    }

    /// So little regularisation that single precision loses it beside the vectors' own products.
    @Test func trainsWhereLambdaIsLost() throws {
        let ratings = planted(users: 240, items: 160, groups: 8, seed: 12)
        let losses = try train(ratings, rank: 24, .confidence(alpha: 40, lambda: 1e-9), .conjugateGradient).losses
        for (earlier, later) in zip(losses, losses.dropFirst()) { #expect(later <= earlier * (1 + 1e-4)) }
    }

    /// One pair so often that single precision loses the regularisation beside it.
    @Test(arguments: Solver.allCases) func trainsWhereOnePairOutweighsAll(solver: Solver) throws {
        var matrix = randomRatings(users: 60, items: 50, density: 0.15, seed: 8)
        matrix[7][9] = 1e5
        let losses = try train(Ratings(matrix), rank: 12, .confidence(alpha: 40, lambda: 0.01), solver).losses
        #expect(try #require(losses.last) < losses[0])
    }

    /// Going on from vectors loses no more than they did, and an epoch from converged ones changes next to nothing.
    @Test func goesOnFromVectors() throws {
        let ratings = planted(users: 240, items: 160, groups: 8, seed: 12)
        let objective = Objective.confidence(alpha: 2, lambda: 5)
        let first = try train(ratings, rank: 8, objective, .conjugateGradient)
        let more = try AlternatingLeastSquares.train(
            ratings, TrainingParameters(rank: 8, objective: objective, iterations: 1), from: first, threads: 1)
        let (before, after) = (try #require(first.losses.last), try #require(more.losses.last))
        #expect(after <= before * (1 + 1e-5))
        #expect(after > before * 0.99)
    }

    @Test(arguments: [8, 10, 17, 64, 100, 128])
    func losesAtMostAThousandthAgainstTheExactSolver(rank: Int) throws {
        let ratings = planted(users: 240, items: 160, groups: 8, seed: 12)
        for objective in [
            Objective.confidence(alpha: 2, lambda: 5), .unobserved(weight: 0.2, lambda: 0.05, exponent: 1),
        ] {
            let exact = try #require(try train(ratings, rank: rank, objective, .cholesky).losses.last)
            for instructions in Self.instructions {
                let fast = try train(ratings, rank: rank, objective, .conjugateGradient, instructions: instructions)
                let loss = try #require(fast.losses.last)
                #expect(loss < 1.001 * exact, "\(instructions), \(objective)")
            }
        }
    }

    /// The steps carry the loss along; it must be the loss of the vectors they end with.
    @Test(arguments: EngineTests.objectives, instructions)
    func reportsTheLossOfItsVectors(objective: Objective, instructions: Instructions) throws {
        let matrix = randomRatings(users: 60, items: 50, density: 0.15, seed: 8)
        let trained = try train(
            Ratings(matrix), rank: 12, objective, .conjugateGradient, iterations: 3, instructions: instructions)
        let expected = ReferenceALS(objective: objective, ratings: matrix)
            .loss(users: trained.users.rows, items: trained.items.rows)
        #expect(abs(try #require(trained.losses.last) - expected) < 1e-4 * expected)
    }

    @Test(arguments: instructions) func givesTheSameBitsWithOneAndTwoThreads(instructions: Instructions) throws {
        let ratings = planted(users: 900, items: 300, groups: 5, seed: 3)
        for (rank, solver) in [(64, Solver.conjugateGradient), (17, .conjugateGradient), (17, .cholesky)] {
            let objective = Objective.confidence(alpha: 2, lambda: 1)
            let one = try train(
                ratings, rank: rank, objective, solver, iterations: 3, threads: 1, instructions: instructions)
            let two = try train(
                ratings, rank: rank, objective, solver, iterations: 3, threads: 2, instructions: instructions)
            #expect(one == two)
        }
    }

    /// One item that everybody has, more than a thread takes in one go, beside items that nobody or one has.
    @Test(arguments: Solver.allCases) func solvesTheHeaviestRowsOnAllThreads(solver: Solver) throws {
        let (users, items) = (40_000, 12)
        var random = SplitMix64(seed: 17)
        var builder = SparseRows.Builder()
        for user in 0..<users {
            builder.append(row: user, column: 3, value: 1)
            builder.append(row: user, column: 4 + Int(random.next() % 7), value: 2)
        }
        builder.append(row: users, column: 11, value: 1)
        let ratings = Ratings(byUser: builder.build(rows: users + 1), items: items)
        let objective = Objective.confidence(alpha: 1, lambda: 1)
        let one = try train(ratings, rank: 3, objective, solver, iterations: 3, threads: 1)
        #expect(try train(ratings, rank: 3, objective, solver, iterations: 3, threads: 2) == one)
        #expect(one.items[0].allSatisfy { $0 == 0 })
        #expect(one.items[11].contains { $0 != 0 })

        let exact = try train(ratings, rank: 3, objective, .cholesky, iterations: 3, threads: 2)
        #expect(relativeDifference(one.items.rows, exact.items.rows) < (solver == .cholesky ? 1e-6 : 0.02))
    }

    @Test(arguments: instructions) func recoversPlantedGroups(instructions: Instructions) throws {
        let (users, items, groups) = (300, 120, 6)
        let ratings = planted(users: users, items: items, groups: groups, seed: 5)
        let trained = try train(
            ratings, rank: groups, .confidence(alpha: 10, lambda: 1), .conjugateGradient, instructions: instructions)
        let top = TopN(users: trained.users, items: trained.items, seen: [ratings.byUser], limit: 3, threads: 2)
        let hits = (0..<users).flatMap { user in top[user].map { $0.item % groups == user % groups } }
        #expect(hits.count == 3 * users)
        #expect(Double(hits.count { $0 }) > 0.99 * Double(hits.count))
    }

    /// Each group of users has most of its own group's items, and now and then another.
    private func planted(users: Int, items: Int, groups: Int, seed: UInt64) -> Ratings {
        var random = SplitMix64(seed: seed)
        let matrix = (0..<users).map { user in
            (0..<items).map { item in
                random.uniform() < (user % groups == item % groups ? 0.6 : 0.01) ? Double(1 + random.next() % 3) : 0
            }
        }
        return Ratings(matrix)
    }
}
