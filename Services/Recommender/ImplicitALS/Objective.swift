import Glibc

/// What alternating least squares minimises.
package enum Objective: Sendable, Hashable, Codable {
    /// Σ c (p - xᵀy)² + λ (Σ|x|² + Σ|y|²) over all pairs, with c = 1 + α·r and p = 1 where r > 0, else 0
    /// (Hu, Koren, Volinsky 2008, equation 3).
    case confidence(alpha: Float, lambda: Float)
    /// As `confidence`, with each row's λ multiplied by its number of ratings (weighted-λ regularisation, Zhou et al. 2008):
    /// what Spark's MLlib minimises.
    case weightedLambda(alpha: Float, lambda: Float)
    /// Σ r (1 - xᵀy)² over the ratings + α₀ Σ (xᵀy)² over all pairs + λ (Σ #ᵛ|x|² + Σ #ᵛ|y|²), where # is a user's number of
    /// ratings + α₀ · items, and an item's likewise (Rendle et al. 2021, iALS).
    case unobserved(weight: Float, lambda: Float, exponent: Float)

    /// Throws `EngineError.parameter` unless every row's equations have one solution.
    package func validate() throws(EngineError) {
        let (weight, lambda) =
            switch self {
            case .confidence(let alpha, let lambda), .weightedLambda(let alpha, let lambda): (alpha, lambda)
            case .unobserved(let weight, let lambda, _): (weight, lambda)
            }
        guard weight > 0, weight.isFinite else { throw .parameter("alpha must be above zero, not \(weight).") }
        guard lambda > 0, lambda.isFinite else { throw .parameter("lambda must be above zero, not \(lambda).") }
        if case .unobserved(_, _, let exponent) = self, !(0...1).contains(exponent) {
            throw .parameter("The exponent of lambda must lie in 0...1, not \(exponent).")
        }
    }
}

/// An objective as the normal equations need it, each row scaled so that all pairs weigh 1:
/// (YᵀY + Σ w y yᵀ + λ I) x = Σ t y, with w = scale · r and t = offset + w over the row's ratings.
struct NormalEquations: Sendable {
    let scale: Float
    let offset: Float
    /// What the scaled loss is multiplied with to be the objective's own.
    let lossScale: Double
    private let objective: Objective
    private let others: Int

    /// Equations for rows that face `others` rows of the other side.
    init(_ objective: Objective, others: Int) {
        self.objective = objective
        self.others = others
        switch objective {
        case .confidence(let alpha, _), .weightedLambda(let alpha, _):
            scale = alpha
            offset = 1
            lossScale = 1
        case .unobserved(let weight, _, _):
            scale = 1 / weight
            offset = 0
            lossScale = Double(weight)
        }
    }

    /// The row's λ, by how many ratings it has.
    func regularisation(ratings: Int) -> Float {
        switch objective {
        case .confidence(_, let lambda): lambda
        case .weightedLambda(_, let lambda): lambda * Float(ratings)
        case .unobserved(let weight, let lambda, let exponent):
            lambda / weight * pow(Float(ratings) + weight * Float(others), exponent)
        }
    }

    /// Σ λ |x|² over all rows, in scaled units.
    func penalty(of factors: Factors, ratings: SparseRows) -> Double {
        var sum = 0.0
        factors.withUnsafePointer { values in
            for row in 0..<factors.count {
                var square: Float = 0
                for index in row * factors.width..<(row + 1) * factors.width { square += values[index] * values[index] }
                sum += Double(regularisation(ratings: ratings.range(of: row).count)) * Double(square)
            }
        }
        return sum
    }
}
