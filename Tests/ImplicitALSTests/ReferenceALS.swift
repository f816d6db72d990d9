import ImplicitALS

/// Implicit ALS written down as the papers do, in double precision, with loops only: what the engine is held against.
struct ReferenceALS {
    let objective: Objective
    /// r by user and item; zero where there is no rating.
    let ratings: [[Double]]

    /// The loss, summed over every pair.
    func loss(users: [[Double]], items: [[Double]]) -> Double {
        var sum = 0.0
        for (user, x) in users.enumerated() {
            for (item, y) in items.enumerated() {
                let (r, product) = (ratings[user][item], dot(x, y))
                switch objective {
                case .confidence(let alpha, _), .weightedLambda(let alpha, _):
                    let p = r > 0 ? 1.0 : 0.0
                    sum += (1 + Double(alpha) * r) * (p - product) * (p - product)
                case .unobserved(let weight, _, _):
                    sum += r * (1 - product) * (1 - product) + Double(weight) * product * product
                }
            }
        }
        for (user, x) in users.enumerated() {
            sum += lambda(count: ratings[user].count { $0 > 0 }, others: items.count) * dot(x, x)
        }
        for (item, y) in items.enumerated() {
            sum += lambda(count: ratings.count { $0[item] > 0 }, others: users.count) * dot(y, y)
        }
        return sum
    }

    /// Minimises the loss in the vector of one row, the other side's being fixed; `row` is that row's ratings.
    func solve(row: [Double], fixed: [[Double]]) -> [Double] {
        let rank = fixed[0].count
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: rank), count: rank)
        var vector = [Double](repeating: 0, count: rank)
        for (r, y) in zip(row, fixed) {
            let (all, target) =
                switch objective {
                case .confidence(let alpha, _), .weightedLambda(let alpha, _):
                    (1 + Double(alpha) * r, r > 0 ? 1 + Double(alpha) * r : 0)
                case .unobserved(let weight, _, _): (Double(weight) + r, r)
                }
            for i in 0..<rank {
                vector[i] += target * y[i]
                for j in 0..<rank { matrix[i][j] += all * y[i] * y[j] }
            }
        }
        for i in 0..<rank { matrix[i][i] += lambda(count: row.count { $0 > 0 }, others: fixed.count) }
        return eliminate(matrix, vector)
    }

    /// Epochs of items, then users, as the engine does.
    func train(users: [[Double]], iterations: Int) -> (users: [[Double]], items: [[Double]], losses: [Double]) {
        var users = users
        var items: [[Double]] = []
        var losses: [Double] = []
        for _ in 0..<iterations {
            items = ratings[0].indices.map { item in solve(row: ratings.map { $0[item] }, fixed: users) }
            users = ratings.map { solve(row: $0, fixed: items) }
            losses.append(loss(users: users, items: items))
        }
        return (users, items, losses)
    }

    private func lambda(count: Int, others: Int) -> Double {
        switch objective {
        case .confidence(_, let lambda): Double(lambda)
        case .weightedLambda(_, let lambda): Double(lambda) * Double(count)
        case .unobserved(let weight, let lambda, let exponent):
            Double(lambda) * power(Double(count) + Double(weight) * Double(others), Double(exponent))
        }
    }

    /// Gaussian elimination with partial pivoting.
    private func eliminate(_ matrix: [[Double]], _ vector: [Double]) -> [Double] {
        var rows = zip(matrix, vector).map { $0 + [$1] }
        let count = rows.count
        for column in 0..<count {
            let pivot = (column..<count).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
            rows.swapAt(column, pivot)
            for row in column + 1..<max(count, column + 1) {
                let factor = rows[row][column] / rows[column][column]
                for index in column...count { rows[row][index] -= factor * rows[column][index] }
            }
        }
        var solution = [Double](repeating: 0, count: count)
        for row in (0..<count).reversed() {
            let known = (row + 1..<max(count, row + 1)).reduce(0.0) { $0 + rows[row][$1] * solution[$1] }
            solution[row] = (rows[row][count] - known) / rows[row][row]
        }
        return solution
    }
}

func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }

/// A random matrix of ratings 1, 2 or 3, with the given share of pairs rated, the same for the same seed.
func randomRatings(users: Int, items: Int, density: Double, seed: UInt64) -> [[Double]] {
    var random = SplitMix64(seed: seed)
    return (0..<users).map { _ in
        (0..<items).map { _ in random.uniform() < density ? Double(1 + random.next() % 3) : 0 }
    }
}

extension Ratings {
    /// The ratings of a full matrix.
    init(_ matrix: [[Double]]) {
        var builder = SparseRows.Builder()
        for (user, row) in matrix.enumerated() {
            for (item, r) in row.enumerated() where r > 0 { builder.append(row: user, column: item, value: Float(r)) }
        }
        self.init(byUser: builder.build(rows: matrix.count), items: matrix[0].count)
    }
}

extension Factors {
    /// The vectors in double precision.
    var rows: [[Double]] { (0..<count).map { self[$0].map(Double.init) } }
}

/// The largest difference of two matrices, over the largest number in the second.
func relativeDifference(_ left: [[Double]], _ right: [[Double]]) -> Double {
    let scale = right.joined().map(abs).max() ?? 1
    return (zip(left.joined(), right.joined()).map { abs($0 - $1) }.max() ?? 0) / scale
}
