/// One vector of `rank` numbers for each user or item.
package struct Factors: Sendable {
    package let rank: Int
    /// Numbers from one row to the next in memory: `rank` rounded up to whole cache lines. The numbers in between are zero,
    /// which changes no product of vectors and no solution of a regularised row.
    let width: Int
    private var numbers: AlignedNumbers

    package var count: Int { numbers.count / width }

    /// The vector of one row.
    package subscript(row: Int) -> [Float] {
        withUnsafePointer { Array(UnsafeBufferPointer(start: $0 + row * width, count: rank)) }
    }

    /// All rows, one after another, `rank` numbers each.
    package var values: [Float] { (0..<count).flatMap { self[$0] } }

    /// Rows of zeros.
    package init(count: Int, rank: Int) {
        self.rank = rank
        width = (rank + 15) / 16 * 16
        numbers = AlignedNumbers(count: count * width)
    }

    /// Rows as they are; `values` holds a multiple of `rank` numbers.
    package init(rank: Int, values: [Float]) {
        precondition(values.count.isMultiple(of: rank), "whole rows")
        self.init(count: values.count / rank, rank: rank)
        fill { index in values[index] }
    }

    /// Normally distributed numbers with standard deviation 0.1 / √rank (Rendle et al. 2021), the same for the same seed.
    package init(count: Int, rank: Int, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let deviation = 0.1 / Double(rank).squareRoot()
        self.init(count: count, rank: rank)
        fill { _ in Float(deviation * random.normal()) }
    }

    /// These, leaving none here: whoever takes them holds the only reference and writes without a copy.
    mutating func taken() -> Factors {
        let factors = self
        self = Factors(count: 0, rank: rank)
        return factors
    }

    /// Calls `body` with the first row's first number, at a multiple of 64 bytes; row `i` begins `i * width` numbers behind it.
    func withUnsafePointer<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
        withExtendedLifetime(numbers) { body(UnsafePointer(numbers.start)) }
    }

    /// As `withUnsafePointer`, to write: the numbers between `rank` and `width` must stay zero.
    mutating func withUnsafeMutablePointer<Result>(_ body: (UnsafeMutablePointer<Float>) -> Result) -> Result {
        if !isKnownUniquelyReferenced(&numbers) { numbers = AlignedNumbers(numbers) }
        return withExtendedLifetime(numbers) { body(numbers.start) }
    }

    /// Sets every number in order, by its place among the values.
    private mutating func fill(_ value: (Int) -> Float) {
        let (count, rank, width) = (count, rank, width)
        withUnsafeMutablePointer { target in
            for row in 0..<count {
                for index in 0..<rank { target[row * width + index] = value(row * rank + index) }
            }
        }
    }
}

extension Factors: Equatable {
    package static func == (left: Factors, right: Factors) -> Bool {
        left.rank == right.rank && left.count == right.count
            && (0..<left.numbers.count).allSatisfy { left.numbers.start[$0] == right.numbers.start[$0] }
    }
}
