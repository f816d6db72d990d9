internal import LinearAlgebra

/// FᵀF for all rows of `factors`: width × width numbers, row-major, upper triangle.
///
/// The rows are cut into the same pieces whatever the number of threads, and the pieces are summed in order.
func gram(of factors: Factors, threads: Int) -> [Float] {
    let (width, count) = (factors.width, factors.count)
    let size = width * width
    let pieceRows = max(512, (count + 15) / 16)
    let pieces = (count + pieceRows - 1) / pieceRows
    guard pieces > 0 else { return [Float](repeating: 0, count: size) }
    var partial = [Float](repeating: 0, count: pieces * size)
    partial.withUnsafeMutableBufferPointer { partial in
        factors.withUnsafePointer { source in
            guard let target = partial.baseAddress else { return }
            withThreads(threads, chunks: pieces) { queue in
                while let piece = queue.next() {
                    let first = piece * pieceRows
                    BLAS.addGram(
                        of: source + first * width, rows: min(pieceRows, count - first), rank: width,
                        to: target + piece * size)
                }
            }
        }
        for piece in 1..<max(pieces, 1) {
            for index in 0..<size { partial[index] += partial[piece * size + index] }
        }
    }
    return Array(partial.prefix(size))
}
