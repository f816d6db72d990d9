internal import COpenBLAS

/// The few dense products and solves that Mien is made of, on row-major matrices behind pointers.
package enum BLAS {
    /// gram += panelᵀ · panel, the upper triangle only; `panel` is rows × rank, `gram` rank × rank.
    package static func addGram(
        of panel: UnsafePointer<Float>, rows: Int, rank: Int, to gram: UnsafeMutablePointer<Float>
    ) {
        cblas_ssyrk(
            CblasRowMajor, CblasUpper, CblasTrans, blasint(rank), blasint(rows), 1, panel, blasint(rank), 1, gram,
            blasint(rank))
    }

    /// products = left · rightᵀ; left is rows × rank, right columns × rank, products rows × columns.
    package static func multiply(
        _ left: UnsafePointer<Float>, rows: Int, by right: UnsafePointer<Float>, columns: Int, rank: Int,
        into products: UnsafeMutablePointer<Float>
    ) {
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(columns), blasint(rank), 1, left,
            blasint(rank), right, blasint(rank), 0, products, blasint(columns))
    }

    /// products = matrix · vector; matrix is rows × rank. Reads the matrix once, which the product of two matrices does not.
    package static func multiply(
        _ matrix: UnsafePointer<Float>, rows: Int, rank: Int, by vector: UnsafePointer<Float>,
        into products: UnsafeMutablePointer<Float>
    ) {
        cblas_sgemv(
            CblasRowMajor, CblasNoTrans, blasint(rows), blasint(rank), 1, matrix, blasint(rank), vector, 1, 0, products,
            1)
    }

    /// Replaces the symmetric positive definite `matrix` (rank × rank, upper triangle) by its Cholesky factor U, UᵀU being the
    /// matrix.
    package static func factorise(_ matrix: UnsafeMutablePointer<Float>, rank: Int) throws(LinearAlgebraError) {
        // Fortran reads columns where these are rows, so the upper triangle is its lower one.
        var order = Int32(rank)
        var status: Int32 = 0
        spotrf_("L", &order, matrix, &order, &status)
        guard status == 0 else { throw .notPositiveDefinite }
    }

    /// matrix = matrix · Uᵀ; `matrix` is rows × rank, U rank × rank, upper triangle.
    package static func multiply(
        _ matrix: UnsafeMutablePointer<Float>, rows: Int, byTransposedTriangle triangle: UnsafePointer<Float>, rank: Int
    ) {
        cblas_strmm(
            CblasRowMajor, CblasRight, CblasUpper, CblasTrans, CblasNonUnit, blasint(rows), blasint(rank), 1, triangle,
            blasint(rank), matrix, blasint(rank))
    }

    /// matrix = matrix · U⁻¹, or matrix · U⁻ᵀ where `transposed`; `matrix` is rows × rank, U rank × rank, upper triangle.
    package static func divide(
        _ matrix: UnsafeMutablePointer<Float>, rows: Int, byTriangle triangle: UnsafePointer<Float>,
        transposed: Bool = false, rank: Int
    ) {
        cblas_strsm(
            CblasRowMajor, CblasRight, CblasUpper, transposed ? CblasTrans : CblasNoTrans, CblasNonUnit, blasint(rows),
            blasint(rank), 1, triangle, blasint(rank), matrix, blasint(rank))
    }

    /// Replaces the symmetric positive definite `matrix` (rank × rank, upper triangle) by its Cholesky factor and each of
    /// `vectors` (count × rank) by the solution for it.
    package static func solve(
        _ matrix: UnsafeMutablePointer<Float>, rank: Int, _ vectors: UnsafeMutablePointer<Float>, count: Int
    ) throws(LinearAlgebraError) {
        try factorise(matrix, rank: rank)
        var order = Int32(rank)
        var rightHandSides = Int32(count)
        var status: Int32 = 0
        spotrs_("L", &order, &rightHandSides, matrix, &order, vectors, &order, &status)
        guard status == 0 else { throw .notPositiveDefinite }
    }

    /// The same in double precision.
    package static func solve(
        _ matrix: UnsafeMutablePointer<Double>, rank: Int, _ vectors: UnsafeMutablePointer<Double>, count: Int
    ) throws(LinearAlgebraError) {
        var order = Int32(rank)
        var rightHandSides = Int32(count)
        var status: Int32 = 0
        dposv_("L", &order, &rightHandSides, matrix, &order, vectors, &order, &status)
        guard status == 0 else { throw .notPositiveDefinite }
    }
}

/// Why a system of equations was not solved.
package enum LinearAlgebraError: Error, Hashable {
    /// The matrix has no Cholesky factor.
    case notPositiveDefinite
}
