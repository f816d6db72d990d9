/// One vector of `rank` numbers for each user or item, row after row.
package struct Factors: Sendable, Equatable {
    package let rank: Int
    package internal(set) var values: [Float]

    package var count: Int { values.count / rank }

    /// The vector of one row.
    package subscript(row: Int) -> ArraySlice<Float> { values[row * rank..<(row + 1) * rank] }

    /// Rows of zeros.
    package init(count: Int, rank: Int) {
        self.rank = rank
        values = [Float](repeating: 0, count: count * rank)
    }

    /// Rows as they are; `values` holds a multiple of `rank` numbers.
    package init(rank: Int, values: [Float]) {
        precondition(values.count.isMultiple(of: rank), "whole rows")
        self.rank = rank
        self.values = values
    }

    /// Normally distributed numbers with standard deviation 0.1 / √rank (Rendle et al. 2021), the same for the same seed.
    package init(count: Int, rank: Int, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let deviation = 0.1 / Double(rank).squareRoot()
        self.init(count: count, rank: rank)
        for index in values.indices { values[index] = Float(deviation * random.normal()) }
    }
}

/// Steele, Lea and Flood's generator: small, and the same everywhere for the same seed.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in 0..<1, with 53 random bits.
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number near the standard normal distribution: the sum of twelve uniform ones, less six (Irwin and Hall).
    ///
    /// It needs no logarithm or cosine, whose last bits differ between C libraries.
    mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + uniform() } }
}
