package import CProcessor

/// Which of the processor's instructions a kernel's inner loops use. The order of their sums differs, and so do the last bits of
/// the results.
package enum Instructions: String, Sendable, CaseIterable {
    case portable
    /// AVX2 with fused multiply-add.
    case avx2
    /// AVX-512 F, BW, DQ and VL.
    case avx512

    /// Whether this processor has them.
    package var isAvailable: Bool { processor_has(kernel) }

    /// The widest that this processor has.
    package static let best = allCases.last(where: \.isAvailable) ?? .portable

    /// What kernels in C call them.
    package var kernel: processor_instructions {
        switch self {
        case .portable: PROCESSOR_PORTABLE
        case .avx2: PROCESSOR_AVX2
        case .avx512: PROCESSOR_AVX512
        }
    }
}
