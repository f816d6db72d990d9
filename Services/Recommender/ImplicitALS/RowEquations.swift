internal import LinearAlgebra

/// The normal equations of one row, summed up from its ratings and solved exactly; and the memory to do so for row after row.
struct RowEquations {
    private static let panelRows = 256
    private let width: Int
    /// Σ w y yᵀ, upper triangle.
    private var matrix: [Float]
    /// Σ t y.
    private var vector: [Float]
    /// Σ t.
    private var constant = 0.0
    /// Vectors times √w, so that their product with themselves is a part of the matrix.
    private var panel: [Float]
    /// What the matrix is factorised in.
    private var factor: [Float]

    init(width: Int) {
        self.width = width
        matrix = [Float](repeating: 0, count: width * width)
        factor = matrix
        vector = [Float](repeating: 0, count: width)
        panel = [Float](repeating: 0, count: width * Self.panelRows)
    }

    /// Forgets the last row.
    mutating func clear() {
        matrix.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        vector.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        constant = 0
    }

    /// Adds some of the row's ratings, `range` being their positions.
    mutating func add(
        _ ratings: SparseRows, _ range: Range<Int>, equations: NormalEquations, fixed: UnsafePointer<Float>
    ) {
        var sum = 0.0
        matrix.withUnsafeMutableBufferPointer { matrix in
            vector.withUnsafeMutableBufferPointer { vector in
                panel.withUnsafeMutableBufferPointer { panel in
                    guard let matrix = matrix.baseAddress, let vector = vector.baseAddress,
                        let panel = panel.baseAddress
                    else { return }
                    for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.panelRows) {
                        let rows = min(Self.panelRows, range.upperBound - first)
                        for row in 0..<rows {
                            let weight = equations.scale * ratings.values[first + row]
                            let target = equations.offset + weight
                            let root = weight.squareRoot()
                            let source = fixed + Int(ratings.columns[first + row]) * width
                            let place = panel + row * width
                            for index in 0..<width {
                                place[index] = root * source[index]
                                vector[index] += target * source[index]
                            }
                            sum += Double(target)
                        }
                        BLAS.addGram(of: panel, rows: rows, rank: width, to: matrix)
                    }
                }
            }
        }
        constant += sum
    }

    /// Adds what another sum of the same row has.
    mutating func add(_ other: RowEquations) {
        for index in matrix.indices { matrix[index] += other.matrix[index] }
        for index in vector.indices { vector[index] += other.vector[index] }
        constant += other.constant
    }

    /// Solves (G + Σ w y yᵀ + λ I) x = Σ t y for x and returns the row's loss, xᵀAx - 2 bᵀx + Σ t; NaN when there is no
    /// solution. `gram` is G's upper triangle. The sums are used up.
    ///
    /// Where λ is lost beside the rest in single precision, a greater one takes its place.
    mutating func solve(gram: [Float], lambda: Float, into solution: UnsafeMutablePointer<Float>) -> Double {
        let width = width
        for index in matrix.indices { matrix[index] += gram[index] }
        let trace = (0..<width).reduce(Float(0)) { $0 + matrix[$1 * width + $1] }
        var lambda = lambda
        while !solve(lambda: lambda, into: solution) {
            guard lambda < trace, trace.isFinite else { return .nan }
            lambda = max(10 * lambda, 1e-6 * trace)
        }
        // With A x = b the loss is Σ t - bᵀx.
        var product: Float = 0
        for index in 0..<width { product += vector[index] * solution[index] }
        return constant - Double(product)
    }

    /// Whether there is a solution with this λ.
    private mutating func solve(lambda: Float, into solution: UnsafeMutablePointer<Float>) -> Bool {
        factor.withUnsafeMutableBufferPointer { factor in
            guard let place = factor.baseAddress else { return false }
            _ = factor.update(fromContentsOf: matrix)
            for index in 0..<width {
                place[index * width + index] += lambda
                solution[index] = vector[index]
            }
            return (try? BLAS.solve(place, rank: width, solution, count: 1)) != nil
        }
    }
}
