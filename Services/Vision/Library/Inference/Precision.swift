import Processor

/// What OpenVINO's networks compute in. The weights are the same, and results hardly differ: docs/operations.md states by how much.
package enum Precision: String, CaseIterable, Sendable {
    case float32 = "f32"
    /// Products of numbers with eight bits of mantissa, summed up in float32.
    case bfloat16 = "bf16"

    /// Whether this processor has the instructions.
    var isAvailable: Bool {
        switch self {
        case .float32: true
        case .bfloat16: BFloat16.isAvailable
        }
    }

    /// The faster one on this processor.
    package static let fastest: Precision = BFloat16.isFaster ? .bfloat16 : .float32
}
