import Testing

@testable import LinearAlgebra

struct LinearAlgebraTests {
    @Test func aMatrixTimesATransposedMatrix() {
        let left: [Float] = [1, 2, 3, 4]
        let right: [Float] = [1, 0, 0, 1, 1, 1]
        var result = [Float](repeating: 9, count: 6)
        BLAS.multiply(left, rows: 2, by: right, columns: 3, rank: 2, into: &result)
        #expect(result == [1, 2, 3, 3, 4, 7])
    }

    @Test func aMatrixTimesAVector() {
        let matrix: [Float] = [1, 2, 3, 4, 5, 6]
        var products = [Float](repeating: 9, count: 3)
        BLAS.multiply(matrix, rows: 3, rank: 2, by: [1, 10] as [Float], into: &products)
        #expect(products == [21, 43, 65])
    }

    @Test func aGramMatrixIsAdded() {
        let panel: [Float] = [1, 2, 3, 4]
        var gram: [Float] = [1, 0, 0, 1]
        BLAS.addGram(of: panel, rows: 2, rank: 2, to: &gram)
        #expect(gram == [11, 14, 0, 21])
    }

    @Test func equationsAreSolvedWhereTheyCanBe() throws {
        var matrix: [Float] = [4, 2, 0, 3]
        var vectors: [Float] = [8, 7, 2, 1]
        try BLAS.solve(&matrix, rank: 2, &vectors, count: 2)
        for (value, expected) in zip(vectors, [1.25, 1.5, 0.5, 0] as [Float]) { #expect(abs(value - expected) < 1e-5) }
        var singular: [Float] = [1, 1, 0, 1]
        #expect(throws: LinearAlgebraError.notPositiveDefinite) {
            try BLAS.solve(&singular, rank: 2, &vectors, count: 2)
        }
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
