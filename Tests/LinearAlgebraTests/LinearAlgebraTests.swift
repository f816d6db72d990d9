import Testing

@testable import LinearAlgebra

/// Numbers in -1...1 that are the same in every run.
private func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
    }
}

@Suite struct DenseTests {
    @Test(arguments: [(1, 1), (3, 5), (257, 512)])
    func matrixTimesVector(rows: Int, width: Int) {
        let matrix = numbers(rows * width, seed: 1)
        let vector = numbers(width, seed: 2)
        var products = [Float](repeating: .nan, count: rows)
        Dense.multiply(matrix, rows: rows, width: width, byVector: vector, into: &products)
        for row in 0..<rows {
            let expected = (0..<width).reduce(0.0) { $0 + Double(matrix[row * width + $1]) * Double(vector[$1]) }
            #expect(abs(Double(products[row]) - expected) < 1e-4)
        }
    }

    @Test(arguments: [(1, 1, 1), (3, 2, 5), (33, 65, 128)])
    func matrixTimesTransposed(rows: Int, columns: Int, width: Int) {
        let left = numbers(rows * width, seed: 3)
        let right = numbers(columns * width, seed: 4)
        var products = [Float](repeating: .nan, count: rows * columns)
        Dense.multiply(left, rows: rows, byTransposed: right, columns: columns, width: width, into: &products)
        for row in 0..<rows {
            for column in 0..<columns {
                let expected = (0..<width).reduce(0.0) {
                    $0 + Double(left[row * width + $1]) * Double(right[column * width + $1])
                }
                #expect(abs(Double(products[row * columns + column]) - expected) < 1e-4)
            }
        }
    }

    @Test func gramIsAddedInTheUpperTriangle() {
        let (rows, width) = (7, 4)
        let panel = numbers(rows * width, seed: 5)
        var gram = [Float](repeating: 1, count: width * width)
        Dense.addGram(of: panel, rows: rows, width: width, to: &gram)
        for i in 0..<width {
            for j in 0..<width {
                let product = (0..<rows).reduce(Float(0)) { $0 + panel[$1 * width + i] * panel[$1 * width + j] }
                #expect(abs(gram[i * width + j] - (j < i ? 1 : 1 + product)) < 1e-5)
            }
        }
    }

    @Test(arguments: [1, 2, 17, 64])
    func solvesWhatItWasMadeFrom(order: Int) throws {
        let panel = numbers(2 * order * order, seed: 6)
        var matrix = [Float](repeating: 0, count: order * order)
        Dense.addGram(of: panel, rows: 2 * order, width: order, to: &matrix)
        for i in 0..<order {
            matrix[i * order + i] += 1
            // What lies below the diagonal is not looked at.
            for j in 0..<i { matrix[i * order + j] = .nan }
        }
        let solutions = numbers(3 * order, seed: 7)
        var vectors = [Float](repeating: 0, count: 3 * order)
        for v in 0..<3 {
            for i in 0..<order {
                vectors[v * order + i] = (0..<order).reduce(0) {
                    $0 + matrix[min(i, $1) * order + max(i, $1)] * solutions[v * order + $1]
                }
            }
        }
        try Dense.solve(&matrix, order: order, &vectors, count: 3)
        for (found, expected) in zip(vectors, solutions) { #expect(abs(found - expected) < 1e-3) }
    }

    @Test func aMatrixThatIsNotPositiveDefiniteIsRefused() {
        var matrix: [Float] = [1, 2, 2, 1]
        var vector: [Float] = [1, 1]
        #expect(throws: NotPositiveDefinite.self) { try Dense.solve(&matrix, order: 2, &vector, count: 1) }
    }
}

@Suite struct KernelTests {
    private static let wide: Set<Substring> = [
        "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd",
    ]

    @Test func slowKernelsGiveWayToWhatTheProcessorHas() {
        #expect(KernelCore.better(than: "Prescott", flags: Self.wide) == .skylakeX)
        #expect(KernelCore.better(than: "Haswell", flags: Self.wide) == .skylakeX)
        #expect(KernelCore.better(than: "Prescott", flags: ["avx2", "fma"]) == .haswell)
    }

    @Test func goodKernelsStay() {
        #expect(KernelCore.better(than: "SkylakeX", flags: Self.wide) == nil)
        #expect(KernelCore.better(than: "Cooperlake", flags: Self.wide) == nil)
        #expect(KernelCore.better(than: "Zen", flags: ["avx2", "fma"]) == nil)
        #expect(KernelCore.better(than: "Prescott", flags: ["sse3"]) == nil)
        #expect(KernelCore.better(than: "Prescott", flags: ["avx2"]) == nil)
    }

    @Test func theLibraryNamesItsKernels() {
        #expect(!OpenBLAS.coreName.isEmpty)
        OpenBLAS.setThreads(1)
    }
}
