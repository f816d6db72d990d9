internal import COpenBLAS

/// Products and solves on dense row-major matrices of float32 behind pointers: the few that the suite needs.
///
/// The caller answers for the sizes: each pointer has as many values as its rows times its width.
package enum Dense {
    /// products[r] = matrix[r] · vector, for each of `rows` rows of `width` values (sgemv).
    package static func multiply(
        _ matrix: UnsafePointer<Float>, rows: Int, width: Int, byVector vector: UnsafePointer<Float>,
        into products: UnsafeMutablePointer<Float>
    ) {
        cblas_sgemv(
            CblasRowMajor, CblasNoTrans, blasint(rows), blasint(width), 1, matrix, blasint(width), vector, 1, 0,
            products,
            1)
    }

    /// products = left · rightᵀ (sgemm): left is rows × width, right columns × width, products rows × columns.
    package static func multiply(
        _ left: UnsafePointer<Float>, rows: Int, byTransposed right: UnsafePointer<Float>, columns: Int, width: Int,
        into products: UnsafeMutablePointer<Float>
    ) {
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(columns), blasint(width), 1, left,
            blasint(width), right, blasint(width), 0, products, blasint(columns))
    }

    /// gram += panelᵀ · panel (ssyrk), in the upper triangle only: panel is rows × width, gram width × width.
    package static func addGram(
        of panel: UnsafePointer<Float>, rows: Int, width: Int, to gram: UnsafeMutablePointer<Float>
    ) {
        cblas_ssyrk(
            CblasRowMajor, CblasUpper, CblasTrans, blasint(width), blasint(rows), 1, panel, blasint(width), 1, gram,
            blasint(width))
    }

    /// Solves matrix · x = b by Cholesky's factorisation (spotrf, spotrs).
    ///
    /// `matrix` (order × order, symmetric positive definite) is read from its upper triangle and replaced by its factor;
    /// each of the `count` rows of `vectors` (count × order) is a b and is replaced by its x.
    package static func solve(
        _ matrix: UnsafeMutablePointer<Float>, order: Int, _ vectors: UnsafeMutablePointer<Float>, count: Int
    ) throws(NotPositiveDefinite) {
        // Fortran reads columns where these are rows, so the upper triangle is its lower one.
        var order = Int32(order)
        var count = Int32(count)
        var status: Int32 = 0
        spotrf_("L", &order, matrix, &order, &status)
        guard status == 0 else { throw NotPositiveDefinite() }
        spotrs_("L", &order, &count, matrix, &order, vectors, &order, &status)
        guard status == 0 else { throw NotPositiveDefinite() }
    }
}

/// A matrix has no Cholesky factor.
package struct NotPositiveDefinite: Error {
    package init() {}
}
