package import CProcessor

/// Which of the processor's instructions multiply vectors of bytes. The sums are whole numbers, so all give the same.
package enum ByteProducts: String, Sendable, CaseIterable {
    case portable
    /// Sums of two products in 16 bits.
    case avx2
    /// Sums of four in 32 bits, eight at a time.
    case avxVNNI = "avx-vnni"
    /// Sums of four in 32 bits, sixteen at a time.
    case avx512VNNI = "avx512-vnni"

    /// Whether this processor has them.
    package var isAvailable: Bool { processor_has_byte_products(kernel) }

    /// The fastest that this processor has.
    package static let best = allCases.last(where: \.isAvailable) ?? .portable

    /// What kernels in C call them.
    package var kernel: processor_byte_products {
        switch self {
        case .portable: PROCESSOR_BYTES_PORTABLE
        case .avx2: PROCESSOR_BYTES_AVX2
        case .avxVNNI: PROCESSOR_BYTES_AVX_VNNI
        case .avx512VNNI: PROCESSOR_BYTES_AVX512_VNNI
        }
    }
}
