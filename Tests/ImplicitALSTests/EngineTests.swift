import Glibc
import ImplicitALS
import Processor
import Testing

func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

@Suite(.timeLimit(.minutes(5))) struct EngineTests {
    static let objectives: [Objective] = [
        .confidence(alpha: 10, lambda: 0.5), .confidence(alpha: 0.3, lambda: 2), .weightedLambda(alpha: 5, lambda: 0.1),
        .unobserved(weight: 0.1, lambda: 0.05, exponent: 1), .unobserved(weight: 0.5, lambda: 0.2, exponent: 0.5),
    ]

    @Test(arguments: objectives)
    func agreesWithTheReference(objective: Objective) throws {
        let matrix = randomRatings(users: 70, items: 45, density: 0.12, seed: 7)
        let parameters = TrainingParameters(
            rank: 8, objective: objective, iterations: 6, solver: .cholesky, seed: 3)
        let trained = try AlternatingLeastSquares.train(Ratings(matrix), parameters, threads: 2)

        let start = Factors(count: 70, rank: 8, seed: 3).rows
        let expected = ReferenceALS(objective: objective, ratings: matrix).train(users: start, iterations: 6)
        #expect(relativeDifference(trained.users.rows, expected.users) < 2e-3)
        #expect(relativeDifference(trained.items.rows, expected.items) < 2e-3)
        for (loss, reference) in zip(trained.losses, expected.losses) {
            #expect(abs(loss - reference) < 1e-4 * reference)
        }
        #expect(trained.losses.count == 6)
    }

    @Test func theLossNeverRises() throws {
        let matrix = randomRatings(users: 120, items: 60, density: 0.1, seed: 1)
        let parameters = TrainingParameters(
            rank: 16, objective: .confidence(alpha: 40, lambda: 0.1), iterations: 12, seed: 1)
        let losses = try AlternatingLeastSquares.train(Ratings(matrix), parameters, threads: 1).losses
        for (earlier, later) in zip(losses, losses.dropFirst()) { #expect(later <= earlier * (1 + 1e-5)) }
    }

    @Test func givesTheSameBitsWithAnyNumberOfThreads() throws {
        let ratings = Ratings(randomRatings(users: 700, items: 300, density: 0.05, seed: 11))
        let parameters = TrainingParameters(
            rank: 24, objective: .confidence(alpha: 5, lambda: 0.1), iterations: 3, seed: 5)
        let one = try AlternatingLeastSquares.train(ratings, parameters, threads: 1)
        for threads in [2, 3, 5] {
            #expect(try AlternatingLeastSquares.train(ratings, parameters, threads: threads) == one)
        }
        var other = parameters
        other.seed = 6
        #expect(try AlternatingLeastSquares.train(ratings, other, threads: 2) != one)
    }

    /// Two groups that like disjoint halves, each rating with gaps: the gaps must be filled from the own half.
    @Test func recoversPlantedFactors() throws {
        var random = SplitMix64(seed: 21)
        let (users, items) = (80, 40)
        let matrix = (0..<users).map { user in
            (0..<items).map { item in user % 2 == item % 2 && random.uniform() < 0.6 ? 1.0 : 0.0 }
        }
        let ratings = Ratings(matrix)
        let parameters = TrainingParameters(
            rank: 2, objective: .confidence(alpha: 10, lambda: 0.1), iterations: 10, seed: 1)
        let trained = try AlternatingLeastSquares.train(ratings, parameters, threads: 2)
        let top = TopN(users: trained.users, items: trained.items, seen: [ratings.byUser], limit: 5, threads: 2)
        for user in 0..<users {
            let unseen = (0..<items).filter { $0 % 2 == user % 2 && matrix[user][$0] == 0 }
            let found = top[user].map(\.item)
            #expect(Set(found.prefix(unseen.count)).isSubset(of: unseen), "user \(user)")
        }
    }

    @Test func refusesWhatCannotBeTrained() {
        let ratings = Ratings([[1, 0], [0, 2]])
        func error(rank: Int = 2, _ objective: Objective, iterations: Int = 1) -> EngineError? {
            #expect(throws: EngineError.self) {
                let parameters = TrainingParameters(rank: rank, objective: objective, iterations: iterations)
                _ = try AlternatingLeastSquares.train(ratings, parameters, threads: 1)
            }
        }
        #expect(error(rank: 0, .confidence(alpha: 1, lambda: 1)) == .parameter("The rank must lie in 1...512, not 0."))
        #expect(error(rank: 513, .confidence(alpha: 1, lambda: 1)) != nil)
        #expect(error(.confidence(alpha: 0, lambda: 1)) == .parameter("alpha must be above zero, not 0.0."))
        #expect(error(.confidence(alpha: 1, lambda: 0)) == .parameter("lambda must be above zero, not 0.0."))
        #expect(error(.confidence(alpha: .infinity, lambda: 1)) != nil)
        #expect(error(.unobserved(weight: 1, lambda: 1, exponent: 2)) != nil)
        #expect(error(.confidence(alpha: 1, lambda: 1), iterations: 0) != nil)
        #expect(throws: EngineError.noRatings) {
            let empty = Ratings(byUser: SparseRows.Builder().build(rows: 3), items: 2)
            _ = try AlternatingLeastSquares.train(
                empty, TrainingParameters(rank: 2, objective: .confidence(alpha: 1, lambda: 1), iterations: 1),
                threads: 1)
        }
    }

    @Test func stopsWhenAnEpochIsAnsweredWithAnError() {
        struct Stop: Error {}
        var epochs: [Int] = []
        #expect(throws: Stop.self) {
            let parameters = TrainingParameters(rank: 2, objective: .confidence(alpha: 1, lambda: 1), iterations: 9)
            _ = try AlternatingLeastSquares.train(Ratings([[1, 0], [0, 2]]), parameters, threads: 1) { epoch, _ in
                epochs.append(epoch)
                if epoch == 2 { throw Stop() }
            }
        }
        #expect(epochs == [1, 2])
    }

    @Test func emptyRowsGetZeroVectors() throws {
        let matrix = [[1.0, 0, 2], [0, 0, 0], [3, 0, 1]]
        let parameters = TrainingParameters(rank: 3, objective: .confidence(alpha: 1, lambda: 0.1), iterations: 2)
        let trained = try AlternatingLeastSquares.train(Ratings(matrix), parameters, threads: 2)
        #expect(trained.users[1].allSatisfy { $0 == 0 })
        #expect(trained.items[1].allSatisfy { $0 == 0 })
    }
}

@Suite(.timeLimit(.minutes(5))) struct TopNTests {
    /// Few different numbers, so that many scores are equal.
    private func coarse(count: Int, rank: Int, seed: UInt64) -> Factors {
        var random = SplitMix64(seed: seed)
        return Factors(rank: rank, values: (0..<count * rank).map { _ in Float(random.next() % 3) - 1 })
    }

    @Test(arguments: [1, 3], Instructions.allCases.filter(\.isAvailable))
    func ranksExactlyWithTiesByItem(threads: Int, instructions: Instructions) {
        let (users, items) = (coarse(count: 130, rank: 3, seed: 1), coarse(count: 5003, rank: 3, seed: 2))
        let seen = Ratings(randomRatings(users: 130, items: 5003, density: 0.02, seed: 3)).byUser
        let more = Ratings(randomRatings(users: 130, items: 5003, density: 0.01, seed: 4)).byUser
        let top = TopN(
            users: users, items: items, seen: [seen, more], limit: 10, threads: threads, instructions: instructions)
        for user in 0..<130 {
            let left = Set(seen.columns[seen.range(of: user)] + more.columns[more.range(of: user)])
            let vector = users[user].map(Double.init)
            var expected: [(item: Int, score: Double)] = []
            for item in 0..<5003 where !left.contains(Int32(item)) {
                expected.append((item, dot(vector, items[item].map(Double.init))))
            }
            expected.sort { $0.score != $1.score ? $0.score > $1.score : $0.item < $1.item }
            expected.removeLast(expected.count - 10)
            if vector.allSatisfy({ $0 == 0 }) {
                #expect(top[user].isEmpty)
            } else {
                #expect(top[user].map(\.item) == expected.map(\.item), "user \(user)")
                #expect(top[user].map { Double($0.score) } == expected.map(\.score))
            }
        }
    }

    @Test func givesFewerWhenFewAreUnseen() {
        let users = Factors(rank: 1, values: [1, 1])
        let items = Factors(rank: 1, values: [1, 2, 3])
        let seen = Ratings([[1, 0, 1], [1, 1, 1]]).byUser
        let top = TopN(users: users, items: items, seen: [seen], limit: 4, threads: 1)
        #expect(top[0] == [RankedItem(item: 1, score: 2)])
        #expect(top[1].isEmpty)
    }
}

@Suite(.timeLimit(.minutes(5))) struct ItemModelTests {
    private let matrix = randomRatings(users: 90, items: 40, density: 0.15, seed: 31)
    private let objective = Objective.confidence(alpha: 8, lambda: 0.3)

    private func trained() throws -> TrainedFactors {
        let parameters = TrainingParameters(
            rank: 12, objective: objective, iterations: 8, solver: .cholesky, seed: 2)
        return try AlternatingLeastSquares.train(Ratings(matrix), parameters, threads: 2)
    }

    private func rated(_ user: Int) -> [(item: Int, value: Float)] {
        matrix[user].indices.filter { matrix[user][$0] > 0 }.map { (item: $0, value: Float(matrix[user][$0])) }
    }

    @Test func foldingInAgreesWithTrainingAndWithTheReference() throws {
        let trained = try trained()
        let model = ItemModel(items: trained.items, objective: objective)
        let reference = ReferenceALS(objective: objective, ratings: matrix)
        for user in 0..<90 {
            let vector = try model.foldIn(rated(user)).map(Double.init)
            #expect(relativeDifference([vector], [trained.users[user].map(Double.init)]) < 1e-4)
            #expect(
                relativeDifference([vector], [reference.solve(row: matrix[user], fixed: trained.items.rows)]) < 1e-3)
        }
    }

    @Test(arguments: [1e3, 1e6, 1e9])
    func oneVideoWatchedAgainAndAgainLeavesTheOthersTheirSay(times: Double) throws {
        let items = try trained().items
        let model = ItemModel(items: items, objective: objective)
        var row = matrix[0]
        row[5] = times
        let ratings = row.indices.filter { row[$0] > 0 }.map { (item: $0, value: Float(row[$0])) }
        let vector = try model.foldIn(ratings)
        let reference = ReferenceALS(objective: objective, ratings: matrix).solve(row: row, fixed: items.rows)
        #expect(relativeDifference([vector.map(Double.init)], [reference]) < 1e-3)
        let top = model.top(3, for: vector, excluding: Set(ratings.map(\.item)))
        for (ranked, list) in zip(top, try model.contributions(to: top.map(\.item), ratings: ratings)) {
            #expect(abs(list.reduce(0) { $0 + $1.score } - ranked.score) < 1e-3)
        }
    }

    @Test func ranksAsTheBatchDoes() throws {
        let trained = try trained()
        let model = ItemModel(items: trained.items, objective: objective)
        let seen = Ratings(matrix).byUser
        let batch = TopN(users: trained.users, items: trained.items, seen: [seen], limit: 6, threads: 1)
        for user in 0..<90 {
            let single = model.top(6, for: Array(trained.users[user]), excluding: Set(rated(user).map(\.item)))
            #expect(single.map(\.item) == batch[user].map(\.item))
        }
    }

    @Test func contributionsSumToTheScore() throws {
        let model = ItemModel(items: try trained().items, objective: objective)
        for user in 0..<20 {
            let vector = try model.foldIn(rated(user))
            let top = model.top(3, for: vector, excluding: Set(rated(user).map(\.item)))
            let lists = try model.contributions(to: top.map(\.item), ratings: rated(user))
            #expect(lists.count == top.count)
            for (ranked, list) in zip(top, lists) {
                #expect(Set(list.map(\.item)) == Set(rated(user).map(\.item)))
                #expect(abs(list.reduce(0) { $0 + $1.score } - ranked.score) < 1e-4)
                #expect(list.map(\.score) == list.map(\.score).sorted(by: >))
            }
        }
    }

    @Test func nobodyWithoutRatingsIsRankedFor() throws {
        let model = ItemModel(items: try trained().items, objective: objective)
        let vector = try model.foldIn([])
        #expect(vector.allSatisfy { $0 == 0 })
        #expect(model.top(5, for: vector, excluding: []).isEmpty)
        #expect(try model.contributions(to: [1], ratings: []) == [[]])
    }
}
