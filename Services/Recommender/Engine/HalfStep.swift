internal import CFactors

/// Solves every row of one side against the other side's fixed factors, which is half an epoch of alternating least squares.
struct HalfStep {
    /// The side to solve: one row of ratings each, columns being rows of `fixed`.
    let ratings: SparseRows
    let equations: NormalEquations
    let fixed: Factors
    let solver: Solver
    let instructions: Instructions
    let threads: Int

    /// Steps of conjugate gradients a row.
    private static let steps: Int32 = 3
    /// How many rows and ratings a thread takes in one go, at most but for a single row.
    private static let chunkRows = 256
    private static let chunkRatings = 16_384
    /// Pieces of a row that all threads solve together: each has a matrix of its own in memory.
    private static let mostPieces = 16

    /// A row with more ratings is solved by all threads together, so that none is left alone with the most popular item, and
    /// exactly: the pieces of its matrix can be summed one by one. The number doesn't depend on the threads, and so neither do
    /// the results. Below it the matrix costs more than it saves: rank² / 2 multiplications a rating against 8 · rank.
    private var mostRatings: Int { max(2 * Self.chunkRatings, ratings.columns.count / 64) }

    /// Replaces `factors`, the last solutions or zeros, by the solutions.
    ///
    /// Returns the part of the scaled loss that belongs to the pairs and to these rows' penalty; the fixed side's penalty
    /// is not in it.
    func solve(_ factors: inout Factors) throws(EngineError) -> Double {
        let gram = gram(of: fixed, threads: threads)
        let loss = factors.withUnsafeMutablePointer { target in
            fixed.withUnsafePointer { fixed in
                solveSharedRows(gram: gram, fixed: fixed, into: target)
                    + solveOtherRows(gram: gram, fixed: fixed, into: target)
            }
        }
        guard loss.isFinite else { throw .notPositiveDefinite }
        return loss
    }

    /// Row after row of those with more than `mostRatings`: the ratings in pieces, summed in order.
    private func solveSharedRows(
        gram: [Float], fixed: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>
    ) -> Double {
        let width = self.fixed.width
        var loss = 0.0
        for row in 0..<ratings.count where ratings.range(of: row).count > mostRatings {
            let range = ratings.range(of: row)
            let pieceRatings = max(Self.chunkRatings, (range.count + Self.mostPieces - 1) / Self.mostPieces)
            let starts = Array(stride(from: range.lowerBound, to: range.upperBound, by: pieceRatings))
            var pieces = [RowEquations](repeating: RowEquations(width: width), count: starts.count)
            pieces.withUnsafeMutableBufferPointer { pieces in
                withThreads(threads, chunks: starts.count) { queue in
                    while let piece = queue.next() {
                        let end = min(starts[piece] + pieceRatings, range.upperBound)
                        pieces[piece].add(ratings, starts[piece]..<end, equations: equations, fixed: fixed)
                    }
                }
            }
            var sum = pieces[0]
            for piece in pieces.dropFirst() { sum.add(piece) }
            let lambda = equations.regularisation(ratings: range.count)
            loss += sum.solve(gram: gram, lambda: lambda, into: target + row * width)
        }
        return loss
    }

    private func solveOtherRows(
        gram: [Float], fixed: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>
    ) -> Double {
        let width = self.fixed.width
        let chunks = chunks()
        // One loss a chunk, summed in order, so that the sum doesn't depend on the threads; NaN marks a failed solve.
        var losses = [Double](repeating: 0, count: chunks.count)
        losses.withUnsafeMutableBufferPointer { losses in
            withConjugateGradients(gram: gram, fixed: fixed) { conjugateGradients in
                withThreads(threads, chunks: chunks.count) { queue in
                    var exact = RowEquations(width: width)
                    var scratch = Factors(count: 3, rank: width)
                    while let chunk = queue.next() {
                        for row in chunks[chunk] {
                            let solution = target + row * width
                            let range = ratings.range(of: row)
                            let lambda = equations.regularisation(ratings: range.count)
                            if range.isEmpty {
                                solution.update(repeating: 0, count: width)
                            } else if solver == .cholesky {
                                exact.clear()
                                exact.add(ratings, range, equations: equations, fixed: fixed)
                                losses[chunk] += exact.solve(gram: gram, lambda: lambda, into: solution)
                            } else {
                                losses[chunk] += scratch.withUnsafeMutablePointer { scratch in
                                    conjugateGradients(row, lambda, solution, scratch)
                                }
                            }
                        }
                    }
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

    /// One row's steps: its number, λ, its last solution and three rows of scratch memory; returns its loss.
    private typealias ConjugateGradients = (Int, Float, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) ->
        Double

    private func withConjugateGradients(
        gram: [Float], fixed: UnsafePointer<Float>, _ body: (ConjugateGradients) -> Void
    ) {
        let width = self.fixed.width
        var both = gram
        for row in 0..<width {
            for column in 0..<row { both[row * width + column] = gram[column * width + row] }
        }
        ratings.offsets.withUnsafeBufferPointer { offsets in
            ratings.columns.withUnsafeBufferPointer { columns in
                ratings.values.withUnsafeBufferPointer { values in
                    Factors(rank: width, values: both).withUnsafePointer { gram in
                        var rows = factors_rows(
                            offsets: offsets.baseAddress, columns: columns.baseAddress, ratings: values.baseAddress,
                            vectors: fixed, width: width, gram: gram, scale: equations.scale,
                            offset: equations.offset)
                        withUnsafePointer(to: &rows) { rows in
                            body { row, lambda, solution, scratch in
                                factors_conjugate_gradient(
                                    instructions.kernel, rows, row, lambda, Self.steps, solution, scratch)
                            }
                        }
                    }
                }
            }
        }
    }
}
