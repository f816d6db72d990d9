internal import LinearAlgebra

/// How a half-step solves each row's normal equations.
package enum Solver: String, Sendable, Hashable, Codable, CaseIterable {
    /// Exactly, by Cholesky factorisation.
    case cholesky
}

/// Solves every row of one side against the other side's fixed factors, which is half an epoch of alternating least squares.
struct HalfStep {
    /// The side to solve: one row of ratings each, columns being rows of `fixed`.
    let ratings: SparseRows
    let equations: NormalEquations
    let fixed: Factors
    let solver: Solver
    let threads: Int

    /// Rows whose equations are summed and solved by a thread in one go.
    private static let chunkRows = 64

    /// Replaces `factors` by the solutions.
    ///
    /// Returns the part of the scaled loss that belongs to the pairs and to these rows' penalty; the fixed side's penalty
    /// is not in it. For a row x with equations A x = b it is xᵀAx - 2 bᵀx + Σ t, so it costs one dot product a row.
    func solve(_ factors: inout Factors) throws(EngineError) -> Double {
        let chunks = (ratings.count + Self.chunkRows - 1) / Self.chunkRows
        guard chunks > 0 else { return 0 }
        let shared = gram(of: fixed, threads: threads)
        let rank = fixed.rank
        // One loss a chunk, summed in order, so that the sum doesn't depend on the threads; NaN marks a failed solve.
        var losses = [Double](repeating: 0, count: chunks)
        losses.withUnsafeMutableBufferPointer { losses in
            factors.values.withUnsafeMutableBufferPointer { values in
                guard let target = values.baseAddress else { return }
                withThreads(threads, chunks: chunks) { queue in
                    var exact = CholeskyRow(rank: rank)
                    while let chunk = queue.next() {
                        let first = chunk * Self.chunkRows
                        for row in first..<min(first + Self.chunkRows, ratings.count) {
                            switch solver {
                            case .cholesky:
                                losses[chunk] += exact.solve(
                                    ratings, row: row, equations: equations, gram: shared, fixed: fixed,
                                    into: target + row * rank)
                            }
                        }
                    }
                }
            }
        }
        let loss = losses.reduce(0, +)
        guard loss.isFinite else { throw .notPositiveDefinite }
        return loss
    }
}

/// The memory one thread needs to build and solve one row's equations after another.
private struct CholeskyRow {
    private static let panelRows = 256
    private let rank: Int
    private var matrix: [Float]
    private var vector: [Float]
    private var panel: [Float]

    init(rank: Int) {
        self.rank = rank
        matrix = [Float](repeating: 0, count: rank * rank)
        vector = [Float](repeating: 0, count: rank)
        panel = [Float](repeating: 0, count: rank * Self.panelRows)
    }

    /// Writes the row's solution to `solution` and returns its share of the loss, NaN when there is no solution.
    mutating func solve(
        _ ratings: SparseRows, row: Int, equations: NormalEquations, gram: [Float], fixed: Factors,
        into solution: UnsafeMutablePointer<Float>
    ) -> Double {
        let rank = rank
        let range = ratings.range(of: row)
        guard !range.isEmpty else {
            solution.update(repeating: 0, count: rank)
            return 0
        }
        return matrix.withUnsafeMutableBufferPointer { matrix in
            vector.withUnsafeMutableBufferPointer { vector in
                panel.withUnsafeMutableBufferPointer { panel in
                    fixed.values.withUnsafeBufferPointer { fixed in
                        guard let matrix = matrix.baseAddress, let vector = vector.baseAddress,
                            let panel = panel.baseAddress, let fixed = fixed.baseAddress
                        else { return .nan }
                        for index in 0..<rank * rank { matrix[index] = gram[index] }
                        vector.update(repeating: 0, count: rank)
                        let lambda = equations.regularisation(ratings: range.count)
                        for index in 0..<rank { matrix[index * rank + index] += lambda }

                        var constant = 0.0
                        var filled = 0
                        for position in range {
                            let weight = equations.scale * ratings.values[position]
                            let target = equations.offset + weight
                            let root = weight.squareRoot()
                            let source = fixed + Int(ratings.columns[position]) * rank
                            let place = panel + filled * rank
                            for index in 0..<rank {
                                place[index] = root * source[index]
                                vector[index] += target * source[index]
                            }
                            constant += Double(target)
                            filled += 1
                            if filled == Self.panelRows {
                                BLAS.addGram(of: panel, rows: filled, rank: rank, to: matrix)
                                filled = 0
                            }
                        }
                        if filled > 0 { BLAS.addGram(of: panel, rows: filled, rank: rank, to: matrix) }

                        solution.update(from: vector, count: rank)
                        do throws(LinearAlgebraError) {
                            try BLAS.solve(matrix, rank: rank, solution, count: 1)
                        } catch {
                            return .nan
                        }
                        // With A x = b the loss is Σ t - bᵀx.
                        var product: Float = 0
                        for index in 0..<rank { product += vector[index] * solution[index] }
                        return constant - Double(product)
                    }
                }
            }
        }
    }
}
