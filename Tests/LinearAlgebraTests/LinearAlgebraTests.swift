import Testing

@testable import LinearAlgebra

struct LinearAlgebraTests {
    @Test func aMatrixTimesAVector() {
        let matrix: [Float] = [1, 2, 3, 4, 5, 6]
        let vector: [Float] = [1, 0, -1]
        var result: [Float] = [9, 9]
        matrix.withUnsafeBufferPointer { matrix in
            vector.withUnsafeBufferPointer { vector in
                result.withUnsafeMutableBufferPointer {
                    Products.multiply(matrix, rows: 2, columns: 3, by: vector, into: $0)
                }
            }
        }
        #expect(result == [-2, -2])
    }

    @Test func aMatrixTimesATransposedMatrix() {
        let left: [Float] = [1, 2, 3, 4]
        let right: [Float] = [1, 0, 0, 1, 1, 1]
        var result = [Float](repeating: 0, count: 6)
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                result.withUnsafeMutableBufferPointer {
                    Products.multiply(left, rows: 2, columns: 2, byTransposed: right, rows: 3, into: $0)
                }
            }
        }
        #expect(result == [1, 2, 3, 3, 4, 7])
    }

    @Test(arguments: [
        ("Prescott", "flags : sse3", nil as String?),
        ("Prescott", "flags : avx2 fma", "HASWELL"),
        ("Prescott", "flags : avx2 fma avx512f avx512cd avx512bw avx512dq avx512vl", "SKYLAKEX"),
        ("Haswell", "flags : avx2 fma avx512f avx512cd avx512bw avx512dq avx512vl", "SKYLAKEX"),
        ("Haswell", "flags : avx2 fma", nil),
        ("SkylakeX", "flags : avx2 fma avx512f avx512cd avx512bw avx512dq avx512vl", nil),
        ("Cooperlake", "flags : avx2 fma avx512f avx512cd avx512bw avx512dq avx512vl", nil),
    ])
    func aPoorKernelIsReplacedByOneTheProcessorHas(picked: String, flags: String, better: String?) {
        #expect(OpenBLAS.betterCore(than: picked, for: ProcessorFeatures(flags: flags)) == better)
    }

    @Test func theKernelHasAName() {
        #expect(!OpenBLAS.coreName.isEmpty)
    }
}
