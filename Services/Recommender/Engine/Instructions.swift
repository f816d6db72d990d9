internal import CFactors

/// Which of the processor's instructions the solver's inner loops use. The sums' order differs between them, and so do the
/// last bits of the results.
package enum Instructions: String, Sendable, CaseIterable {
    case portable
    /// AVX2 with fused multiply-add.
    case avx2
    /// AVX-512 F, BW, DQ and VL.
    case avx512

    /// Whether this processor has them.
    package var isAvailable: Bool { factors_available(kernel) }

    /// The widest that this processor has.
    package static let best = allCases.last(where: \.isAvailable) ?? .portable

    var kernel: factors_instructions {
        switch self {
        case .portable: FACTORS_PORTABLE
        case .avx2: FACTORS_AVX2
        case .avx512: FACTORS_AVX512
        }
    }
}
