/// Steele, Lea and Flood's generator: small, and the same everywhere for the same seed.
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in 0..<1, with 53 random bits.
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number near the standard normal distribution: the sum of twelve uniform ones, less six (Irwin and Hall).
    ///
    /// It needs no logarithm or cosine, whose last bits differ between C libraries.
    package mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + uniform() } }
}
