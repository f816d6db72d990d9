/// A turn, a scale and a shift: (x, y) → (a·x - b·y, b·x + a·y) + shift.
struct SimilarityTransform: Hashable, Sendable {
    var a: Float
    var b: Float
    var shift: SIMD2<Float>

    /// How much longer distances become.
    var scale: Float { (a * a + b * b).squareRoot() }

    init(a: Float, b: Float, shift: SIMD2<Float>) {
        self.a = a
        self.b = b
        self.shift = shift
    }

    /// The transform that brings `source` nearest to `target`, by the sum of squared distances (Umeyama 1991, without
    /// mirroring). `nil` when the source's points are all in one place, or a coordinate is not a number.
    init?(from source: [SIMD2<Float>], to target: [SIMD2<Float>]) {
        precondition(source.count == target.count && !source.isEmpty, "as many points here as there")
        let count = Float(source.count)
        let sourceMiddle = source.reduce(.zero, +) / count
        let targetMiddle = target.reduce(.zero, +) / count
        var (along, across, spread): (Float, Float, Float) = (0, 0, 0)
        for (point, goal) in zip(source, target) {
            let (p, q) = (point - sourceMiddle, goal - targetMiddle)
            along += (p * q).sum()
            across += p.x * q.y - p.y * q.x
            spread += (p * p).sum()
        }
        guard spread > 1e-6, (along * along + across * across).isFinite, along != 0 || across != 0 else { return nil }
        self.init(a: along / spread, b: across / spread, shift: .zero)
        shift = targetMiddle - self(sourceMiddle)
    }

    func callAsFunction(_ point: SIMD2<Float>) -> SIMD2<Float> {
        SIMD2(a * point.x - b * point.y, b * point.x + a * point.y) + shift
    }

    /// The way back.
    var inverse: SimilarityTransform {
        let square = a * a + b * b
        var result = SimilarityTransform(a: a / square, b: -b / square, shift: .zero)
        result.shift = -result(shift)
        return result
    }
}
