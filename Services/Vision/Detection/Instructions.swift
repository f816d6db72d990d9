import CCascade

/// The vector instructions that the detector's kernels are compiled for.
enum Instructions: CaseIterable, Sendable {
    case portable, avx2, avx512

    /// Whether this processor has them.
    var isAvailable: Bool { cascade_available(kernel) }

    /// The widest that this processor has.
    static let best = allCases.last(where: \.isAvailable) ?? .portable

    var kernel: cascade_instructions {
        switch self {
        case .portable: CASCADE_PORTABLE
        case .avx2: CASCADE_AVX2
        case .avx512: CASCADE_AVX512
        }
    }
}
