internal import COpenBLAS

/// Row-major single-precision products. Every buffer must have the size that the shapes in its comment ask for.
package enum Products {
    /// `result` (rows) = `matrix` (rows × columns) · `vector` (columns).
    package static func multiply(
        _ matrix: UnsafeBufferPointer<Float>, rows: Int, columns: Int, by vector: UnsafeBufferPointer<Float>,
        into result: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(matrix.count >= rows * columns && vector.count >= columns && result.count >= rows)
        cblas_sgemv(
            CblasRowMajor, CblasNoTrans, Int32(rows), Int32(columns), 1, matrix.baseAddress, Int32(columns),
            vector.baseAddress, 1, 0, result.baseAddress, 1)
    }

    /// `result` (rows × others) = `matrix` (rows × columns) · `transposed`ᵀ (others × columns).
    package static func multiply(
        _ matrix: UnsafeBufferPointer<Float>, rows: Int, columns: Int,
        byTransposed transposed: UnsafeBufferPointer<Float>, rows others: Int,
        into result: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(matrix.count >= rows * columns && transposed.count >= others * columns)
        precondition(result.count >= rows * others)
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(others), Int32(columns), 1,
            matrix.baseAddress, Int32(columns), transposed.baseAddress, Int32(columns), 0, result.baseAddress,
            Int32(others))
    }
}
