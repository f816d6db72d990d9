internal import CProcessor

/// What the processor has for numbers of 16 bits, eight of them for the mantissa.
package enum BFloat16 {
    /// Whether it multiplies vectors of them.
    package static let isAvailable = processor_has_bfloat16_vectors()
    /// Whether that was measured to be faster than float32: with AMX, or with AMD's vectors; not with Intel's alone.
    package static let isFaster = isAvailable && (processor_has_bfloat16_tiles() || processor_is_amd())
    /// Whether the processor claims AMX tiles and then describes none, as some virtual machines do: who believes the first
    /// executes an illegal instruction.
    package static let hidesTiles = processor_hides_tiles()
}
