internal import LinearAlgebra

/// The items' side of a training: enough to rank for anybody whose ratings are at hand, and to say why.
///
/// Equations are summed and solved in double precision: beside what somebody has rated a thousand times, λ and the other
/// ratings are lost in single precision.
package struct ItemModel: Sendable {
    package let items: Factors
    package let objective: Objective
    /// YᵀY, rank × rank, upper triangle.
    private let shared: [Double]

    package init(items: Factors, objective: Objective) {
        self.items = items
        self.objective = objective
        let (rank, width) = (items.rank, items.width)
        let padded = gram(of: items, threads: 1)
        shared = (0..<rank).flatMap { padded[$0 * width..<$0 * width + rank].map(Double.init) }
    }

    /// A user's vector for these ratings (items with r > 0, each once): the closed-form solution against the fixed items
    /// (Hu et al. 2008, equation 4). Zeros when there are no ratings.
    package func foldIn(_ ratings: [(item: Int, value: Float)]) throws(EngineError) -> [Float] {
        guard !ratings.isEmpty else { return [Float](repeating: 0, count: items.rank) }
        var (matrix, vector) = equations(for: ratings)
        try Self.solve(&matrix, rank: items.rank, &vector, count: 1)
        return vector.map(Float.init)
    }

    /// The best items for a user's vector, without those in `excluded`; ties in the order of the items. Nothing for zeros.
    package func top(_ limit: Int, for user: [Float], excluding excluded: Set<Int>) -> [RankedItem] {
        guard user.contains(where: { $0 != 0 }) else { return [] }
        let scores = scores(for: user)
        var best = BestItems(limit: limit)
        for item in 0..<items.count where !excluded.contains(item) { best.offer(item, scores[item]) }
        return best.items
    }

    /// How much each rating contributes to the score of each of `recommended` for the user with these ratings.
    ///
    /// The score splits exactly into one term a rating, t · yᵢᵀ W yⱼ with W the inverse of the user's matrix
    /// (Hu et al. 2008, section 5). One list a recommended item, strongest first, ties in the order of the items.
    package func contributions(
        to recommended: [Int], ratings: [(item: Int, value: Float)]
    ) throws(EngineError) -> [[RankedItem]] {
        guard !ratings.isEmpty, !recommended.isEmpty else { return recommended.map { _ in [] } }
        let rank = items.rank
        let equations = NormalEquations(objective, others: items.count)
        var matrix = self.equations(for: ratings).matrix
        var images = recommended.flatMap { items[$0].map(Double.init) }
        try Self.solve(&matrix, rank: rank, &images, count: recommended.count)
        return recommended.indices.map { index in
            let image = images[index * rank..<(index + 1) * rank]
            return ratings.map { rating in
                let target = equations.offset + equations.scale * rating.value
                let product = zip(image, items[rating.item]).reduce(0.0) { $0 + $1.0 * Double($1.1) }
                return RankedItem(item: rating.item, score: Float(Double(target) * product))
            }.sorted(by: RankedItem.precedes)
        }
    }

    private func scores(for user: [Float]) -> [Float] {
        let count = items.count
        let padded = Factors(rank: items.rank, values: user)
        return [Float](unsafeUninitializedCapacity: count) { scores, filled in
            if let scores = scores.baseAddress, count > 0 {
                padded.withUnsafePointer { user in
                    items.withUnsafePointer { items in
                        BLAS.multiply(user, rows: 1, by: items, columns: count, rank: padded.width, into: scores)
                    }
                }
            }
            filled = count
        }
    }

    /// The user's matrix (upper triangle) and right-hand side.
    private func equations(for ratings: [(item: Int, value: Float)]) -> (matrix: [Double], vector: [Double]) {
        let rank = items.rank
        let equations = NormalEquations(objective, others: items.count)
        let lambda = Double(equations.regularisation(ratings: ratings.count))
        var matrix = shared
        var vector = [Double](repeating: 0, count: rank)
        for index in 0..<rank { matrix[index * rank + index] += lambda }
        for rating in ratings {
            let weight = Double(equations.scale) * Double(rating.value)
            let factor = items[rating.item].map(Double.init)
            for row in 0..<rank {
                vector[row] += (Double(equations.offset) + weight) * factor[row]
                for column in row..<rank { matrix[row * rank + column] += weight * factor[row] * factor[column] }
            }
        }
        return (matrix, vector)
    }

    private static func solve(
        _ matrix: inout [Double], rank: Int, _ vectors: inout [Double], count: Int
    ) throws(EngineError) {
        let solved = matrix.withUnsafeMutableBufferPointer { matrix in
            vectors.withUnsafeMutableBufferPointer { vectors -> Result<Void, LinearAlgebraError> in
                guard let matrix = matrix.baseAddress, let vectors = vectors.baseAddress else { return .success(()) }
                do throws(LinearAlgebraError) {
                    return .success(try BLAS.solve(matrix, rank: rank, vectors, count: count))
                } catch {
                    return .failure(error)
                }
            }
        }
        do throws(LinearAlgebraError) {
            try solved.get()
        } catch {
            throw .notPositiveDefinite
        }
    }
}
