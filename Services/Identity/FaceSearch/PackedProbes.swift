import CFaceSearch

/// Probes that are searched for together, as they are and as whole levels.
///
/// Sendable although it is a class with memory of its own: that is written when it is made, and never after.
final class PackedProbes: @unchecked Sendable {
    /// How many are compared with one panel at a time.
    static let limit = 32

    let count: Int
    let levels: faces_probes
    let width: Int
    private let vectors: UnsafeMutablePointer<Float>

    /// At most `limit` vectors, no wider than `width`, a multiple of `FACES_STEP`.
    init(_ probes: ArraySlice<[Float]>, width: Int) {
        precondition(probes.count <= Self.limit)
        count = probes.count
        self.width = width
        vectors = .allocate(capacity: count * width)
        vectors.initialize(repeating: 0, count: count * width)
        levels = faces_probes(
            levels: .allocate(capacity: count * width), scale: .allocate(capacity: count),
            error: .allocate(capacity: count), length: .allocate(capacity: count), width: width, count: count)
        for (probe, values) in probes.enumerated() {
            _ = UnsafeMutableBufferPointer(start: vector(probe), count: width).update(fromContentsOf: values)
            withUnsafePointer(to: levels) { faces_pack_probe($0, probe, vector(probe)) }
        }
    }

    deinit {
        vectors.deallocate()
        levels.levels.deallocate()
        levels.scale.deallocate()
        levels.error.deallocate()
        levels.length.deallocate()
    }

    func vector(_ probe: Int) -> UnsafeMutablePointer<Float> { vectors + probe * width }
}
