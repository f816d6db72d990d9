internal import CFactors
internal import LinearAlgebra

/// The basis in which a half-step takes conjugate gradients: in it the part of the matrix that all rows share, YᵀY + λI = UᵀU
/// with U triangular, is the identity.
///
/// A row's vector x becomes Ux and the other side's vectors y become U⁻ᵀy, so that yᵀx stays what it is. That is preconditioning
/// by the shared part, paid for once a half-step instead of once a step and row: few steps are left to take, and none of them
/// multiplies with YᵀY. Where each row has its own λ, a mean of them is shared, and what a row has beyond it is its surplus.
struct Preconditioner {
    /// U, row-major, upper triangle.
    private let triangle: [Float]
    /// The λ in it.
    private let lambda: Float
    /// The other side's vectors in this basis.
    let vectors: Factors
    /// U⁻ᵀU⁻¹: what |x|² is in this basis. Has no rows where no row of the half-step has a surplus.
    private let penalty: Factors

    /// The basis for `fixed`, whose `gram` is YᵀY (width × width, upper triangle). `lambda`, above zero, is the rows' mean λ, and
    /// `isUniform` if no row has another.
    ///
    /// Where λ is lost beside YᵀY in single precision, a greater one is shared, and the rows' surplus is below zero. The other
    /// side's vectors are kept in `memory`, whatever that held.
    init(
        gram shared: [Float], fixed: Factors, lambda: Float, isUniform: Bool, memory: consuming Factors, threads: Int
    ) throws(EngineError) {
        let width = fixed.width
        let trace = (0..<width).reduce(Float(0)) { $0 + shared[$1 * width + $1] }
        guard trace.isFinite else { throw .notPositiveDefinite }
        var sharedLambda = max(lambda, 1e-6 * trace)
        var triangle: [Float]
        while true {
            triangle = shared
            for index in 0..<width { triangle[index * width + index] += sharedLambda }
            do throws(LinearAlgebraError) {
                try BLAS.factorise(&triangle, rank: width)
                break
            } catch {
                guard sharedLambda < trace else { throw .notPositiveDefinite }
                sharedLambda *= 10
            }
        }
        let hasSurplus = !isUniform || sharedLambda != lambda
        var inverse = Factors(count: hasSurplus ? width : 0, rank: width)
        inverse.withUnsafeMutablePointer { numbers in
            for index in 0..<(hasSurplus ? width : 0) { numbers[index * width + index] = 1 }
        }
        inverse = Self.divide(inverse, by: triangle, into: Factors(count: inverse.count, rank: width), threads: 1)
        penalty = Factors(rank: width, values: hasSurplus ? bothTriangles(gram(of: inverse, threads: 1), width) : [])
        vectors = Self.divide(fixed, by: triangle, into: memory, threads: threads)
        self.triangle = triangle
        self.lambda = sharedLambda
    }

    /// Each row times U⁻¹ from the right, which makes U⁻ᵀy of y; `target` has as many rows.
    private static func divide(
        _ factors: Factors, by triangle: [Float], into target: consuming Factors, threads: Int
    ) -> Factors {
        let (width, piece) = (factors.width, 512)
        var result = target
        factors.withUnsafePointer { source in
            result.withUnsafeMutablePointer { rows in
                withThreads(threads, chunks: (factors.count + piece - 1) / piece) { queue in
                    while let chunk = queue.next() {
                        let first = chunk * piece
                        let count = min(piece, factors.count - first)
                        (rows + first * width).update(from: source + first * width, count: count * width)
                        BLAS.divide(rows + first * width, rows: count, byTriangle: triangle, rank: width)
                    }
                }
            }
        }
        return result
    }

    /// Takes vectors of the side to solve into this basis: x becomes Ux.
    func enter(_ vectors: UnsafeMutablePointer<Float>, count: Int) {
        BLAS.multiply(vectors, rows: count, byTransposedTriangle: triangle, rank: self.vectors.width)
    }

    /// Takes them back: x becomes U⁻¹x.
    func leave(_ vectors: UnsafeMutablePointer<Float>, count: Int) {
        BLAS.divide(vectors, rows: count, byTriangle: triangle, transposed: true, rank: self.vectors.width)
    }

    /// What a row with this λ has beyond the shared one; may be below zero.
    func surplus(of lambda: Float) -> Float { lambda - self.lambda }

    /// The share of its sum that a row's residual² may be, so that its loss is within `tolerance` of the minimum: the row's
    /// matrix is at least the identity, or λ over the shared λ of it.
    func residualTolerance(_ tolerance: Float, of lambda: Float) -> Float { tolerance * min(1, lambda / self.lambda) }

    /// Calls `body` with the rows' equations in this basis.
    func withEquations<Result>(
        of ratings: SparseRows, _ equations: NormalEquations, _ body: (UnsafePointer<factors_rows>) -> Result
    ) -> Result {
        ratings.offsets.withUnsafeBufferPointer { offsets in
            ratings.columns.withUnsafeBufferPointer { columns in
                ratings.values.withUnsafeBufferPointer { values in
                    vectors.withUnsafePointer { vectors in
                        penalty.withUnsafePointer { penalty in
                            var rows = factors_rows(
                                offsets: offsets.baseAddress, columns: columns.baseAddress, ratings: values.baseAddress,
                                vectors: vectors, width: self.vectors.width, penalty: penalty,
                                scale: equations.scale, offset: equations.offset)
                            return withUnsafePointer(to: &rows) { body($0) }
                        }
                    }
                }
            }
        }
    }
}

/// A symmetric matrix of `width` rows whose upper triangle is given.
private func bothTriangles(_ upper: [Float], _ width: Int) -> [Float] {
    var both = upper
    for row in 0..<width {
        for column in 0..<row { both[row * width + column] = upper[column * width + row] }
    }
    return both
}
