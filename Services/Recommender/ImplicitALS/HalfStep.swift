internal import CFactors
internal import Processor

/// Solves every row of one side against the other side's fixed factors, which is half an epoch of alternating least squares.
struct HalfStep {
    /// The side to solve: one row of ratings each, columns being rows of `fixed`.
    let ratings: SparseRows
    let equations: NormalEquations
    let fixed: Factors
    let solver: Solver
    let instructions: Instructions
    let threads: Int

    /// Steps of conjugate gradients a row, at most.
    private static let mostSteps: Int32 = 16
    /// How far above its minimum a row's loss may be left, as a share of it.
    private static let tolerance: Float = 1e-4
    /// How many rows and ratings a thread takes in one go, at most but for a single row.
    private static let chunkRows = 256
    private static let chunkRatings = 16_384
    /// Pieces of a row that all threads solve together: each has a matrix of its own in memory.
    private static let mostPieces = 16

    /// A row with more ratings is solved by all threads together, so that none is left alone with the most popular item, and
    /// exactly: the pieces of its matrix can be summed one by one. The number doesn't depend on the threads, and so neither do
    /// the results. Below it the matrix costs more than it saves: rank² / 2 multiplications a rating against 2 · rank a step.
    private var mostRatings: Int { max(2 * Self.chunkRatings, ratings.columns.count / 64) }

    /// Replaces `factors`, the last solutions or zeros, by the solutions.
    ///
    /// Returns the part of the scaled loss that belongs to the pairs and to these rows' penalty; the fixed side's penalty
    /// is not in it. Works in `memory`, of the fixed side's shape, so that a next half-step need not have new pages cleared.
    func solve(_ factors: inout Factors, memory: inout Factors) throws(EngineError) -> Double {
        let gram = gram(of: fixed, threads: threads)
        let shared = solveSharedRows(gram: gram, into: &factors)
        let others =
            switch solver {
            case .cholesky: solveExactly(gram: gram, into: &factors)
            case .conjugateGradient: try solveByConjugateGradients(gram: gram, into: &factors, memory: &memory)
            }
        guard (shared + others).isFinite else { throw .notPositiveDefinite }
        return shared + others
    }

    /// Row after row of those with more than `mostRatings`: the ratings in pieces, summed in order.
    private func solveSharedRows(gram: [Float], into factors: inout Factors) -> Double {
        let width = fixed.width
        var loss = 0.0
        for row in 0..<ratings.count where ratings.range(of: row).count > mostRatings {
            let range = ratings.range(of: row)
            let pieceRatings = max(Self.chunkRatings, (range.count + Self.mostPieces - 1) / Self.mostPieces)
            let starts = Array(stride(from: range.lowerBound, to: range.upperBound, by: pieceRatings))
            var pieces = [RowEquations](repeating: RowEquations(width: width), count: starts.count)
            pieces.withUnsafeMutableBufferPointer { pieces in
                fixed.withUnsafePointer { fixed in
                    withThreads(threads, chunks: starts.count) { queue in
                        while let piece = queue.next() {
                            let end = min(starts[piece] + pieceRatings, range.upperBound)
                            pieces[piece].add(ratings, starts[piece]..<end, equations: equations, fixed: fixed)
                        }
                    }
                }
            }
            var sum = pieces[0]
            for piece in pieces.dropFirst() { sum.add(piece) }
            let lambda = equations.regularisation(ratings: range.count)
            loss += factors.withUnsafeMutablePointer { sum.solve(gram: gram, lambda: lambda, into: $0 + row * width) }
        }
        return loss
    }

    private func solveExactly(gram: [Float], into factors: inout Factors) -> Double {
        let width = fixed.width
        return fixed.withUnsafePointer { fixed in
            solveChunks(of: &factors, making: { RowEquations(width: width) }) { rows, target, sums in
                var loss = 0.0
                for row in rows {
                    let (range, solution) = (ratings.range(of: row), target + row * width)
                    guard !range.isEmpty else {
                        solution.update(repeating: 0, count: width)
                        continue
                    }
                    sums.clear()
                    sums.add(ratings, range, equations: equations, fixed: fixed)
                    loss += sums.solve(
                        gram: gram, lambda: equations.regularisation(ratings: range.count), into: solution)
                }
                return loss
            }
        }
    }

    private func solveByConjugateGradients(
        gram: [Float], into factors: inout Factors, memory: inout Factors
    ) throws(EngineError) -> Double {
        let width = fixed.width
        let (lambda, isUniform) = sharedRegularisation()
        let preconditioner = try Preconditioner(
            gram: gram, fixed: fixed, lambda: lambda, isUniform: isUniform, memory: memory.taken(), threads: threads)
        defer { memory = preconditioner.vectors }
        return preconditioner.withEquations(of: ratings, equations) { problems in
            solveChunks(of: &factors, making: { Factors(count: 3, rank: width) }) { rows, target, scratch in
                let first = target + rows.lowerBound * width
                preconditioner.enter(first, count: rows.count)
                let loss = scratch.withUnsafeMutablePointer { scratch in
                    rows.reduce(0.0) { loss, row in
                        let (range, solution) = (ratings.range(of: row), target + row * width)
                        guard !range.isEmpty else {
                            solution.update(repeating: 0, count: width)
                            return loss
                        }
                        let lambda = equations.regularisation(ratings: range.count)
                        return loss
                            + factors_conjugate_gradient(
                                instructions.kernel, problems, row, preconditioner.surplus(of: lambda),
                                preconditioner.residualTolerance(Self.tolerance, of: lambda), Self.mostSteps, solution,
                                scratch)
                    }
                }
                preconditioner.leave(first, count: rows.count)
                return loss
            }
        }
    }

    /// The mean of all ratings' rows' λ, and whether each row has it.
    private func sharedRegularisation() -> (lambda: Float, isUniform: Bool) {
        var (sum, least, most) = (0.0, Float.infinity, -Float.infinity)
        for row in 0..<ratings.count {
            let count = ratings.range(of: row).count
            guard count > 0 else { continue }
            let lambda = equations.regularisation(ratings: count)
            sum += Double(count) * Double(lambda)
            (least, most) = (min(least, lambda), max(most, lambda))
        }
        return least == most ? (least, true) : (Float(sum / Double(ratings.columns.count)), false)
    }

    /// Solves the rows of all chunks of `factors`, `solve` being given a chunk, the first row's vector and its thread's memory;
    /// returns the sum of the chunks' losses in order, so that it doesn't depend on the threads.
    private func solveChunks<Memory>(
        of factors: inout Factors, making memory: () -> Memory,
        _ solve: (Range<Int>, UnsafeMutablePointer<Float>, inout Memory) -> Double
    ) -> Double {
        let chunks = chunks()
        var losses = [Double](repeating: 0, count: chunks.count)
        factors.withUnsafeMutablePointer { target in
            losses.withUnsafeMutableBufferPointer { losses in
                withThreads(threads, chunks: chunks.count) { queue in
                    var memory = memory()
                    while let chunk = queue.next() { losses[chunk] = solve(chunks[chunk], target, &memory) }
                }
            }
        }
        return losses.reduce(0, +)
    }

    /// Rows in order, without those that are shared: cut where a chunk is full, whatever the number of threads.
    private func chunks() -> [Range<Int>] {
        var chunks: [Range<Int>] = []
        var (first, filled) = (0, 0)
        for row in 0..<ratings.count {
            let count = ratings.range(of: row).count
            if row - first == Self.chunkRows || filled + count > Self.chunkRatings {
                if first < row { chunks.append(first..<row) }
                (first, filled) = (row, 0)
            }
            if count > mostRatings {
                first = row + 1
            } else {
                filled += count
            }
        }
        if first < ratings.count { chunks.append(first..<ratings.count) }
        return chunks
    }
}
