/// A face as the detector found it, in pixels of the picture it was given.
package struct Detection: Hashable, Sendable {
    /// Left, top, right, bottom.
    package var corners: SIMD4<Float>
    /// 0...1.
    package var probability: Float
    /// Left eye, right eye, nose, left and right corner of the mouth; left and right are those of the upright face as it is
    /// looked at.
    package var landmarks: [SIMD2<Float>]

    init(corners: SIMD4<Float>, probability: Float, landmarks: [SIMD2<Float>]) {
        self.corners = corners
        self.probability = probability
        self.landmarks = landmarks
    }

    init(_ candidate: Candidate) {
        self.init(corners: candidate.corners, probability: candidate.score, landmarks: candidate.landmarks)
    }

    /// The corners of what lies in a picture of that size.
    func corners(inside size: SIMD2<Float>) -> SIMD4<Float> {
        corners.clamped(lowerBound: .zero, upperBound: SIMD4(size.x, size.y, size.x, size.y))
    }

    /// How much of it lies in a picture of that size.
    func area(inside size: SIMD2<Float>) -> Float {
        let seen = corners(inside: size)
        return (seen[2] - seen[0]) * (seen[3] - seen[1])
    }

    /// The same face in a picture `scale` times as large.
    func scaled(by scale: SIMD2<Float>) -> Detection {
        Detection(
            corners: corners * SIMD4(scale.x, scale.y, scale.x, scale.y), probability: probability,
            landmarks: landmarks.map { $0 * scale })
    }

    /// The same face in `picture`, where this one was found after `picture` was turned.
    ///
    /// Left and right stay those of the upright face.
    func turnedBack(from orientation: Orientation, in picture: RGBImage) -> Detection {
        func back(_ point: SIMD2<Float>) -> SIMD2<Float> {
            orientation.stored(point, width: picture.width, height: picture.height)
        }
        let (first, last) = (back(SIMD2(corners[0], corners[1])), back(SIMD2(corners[2], corners[3])))
        let (low, high) = (pointwiseMin(first, last), pointwiseMax(first, last))
        return Detection(
            corners: SIMD4(low.x, low.y, high.x, high.y), probability: probability, landmarks: landmarks.map(back))
    }
}
