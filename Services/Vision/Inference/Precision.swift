import COpenVINO

/// What OpenVINO's networks compute in. The weights are the same, and results hardly differ: docs/operations.md states by how much.
enum Precision: String, CaseIterable, Sendable {
    case float32 = "f32"
    /// Products of numbers with eight bits of mantissa, summed up in float32.
    case bfloat16 = "bf16"

    /// Whether this processor has the instructions.
    var isAvailable: Bool {
        switch self {
        case .float32: true
        case .bfloat16: cpu_has_bfloat16()
        }
    }

    /// The faster one on this processor: bfloat16 with AMX, or with AMD's vectors; with Intel's alone float32 was measured faster.
    static let fastest: Precision =
        bfloat16.isAvailable && (cpu_has_amx_bfloat16() || cpu_is_amd()) ? .bfloat16 : .float32
}
