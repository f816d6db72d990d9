import Messages

/// A box that may hold a face, on its way through the cascade.
struct Candidate: Hashable, Sendable {
    /// Left, top, right, bottom, in pixels of the picture.
    var corners: SIMD4<Float>
    /// The last network's probability of a face.
    var score: Float
    /// What the last network would add to the corners, in box sizes.
    var regression: SIMD4<Float>
    /// O-Net's five landmarks in pixels of the picture; empty before.
    var landmarks: [SIMD2<Float>] = []

    var width: Float { corners[2] - corners[0] }
    var height: Float { corners[3] - corners[1] }
    var area: Float { width * height }

    /// The box moved by the regression.
    ///
    /// - Parameter margin: 1 where MTCNN counts both edge pixels into a box's size, 0 where it does not.
    func regressed(margin: Float) -> Candidate {
        let size = SIMD4(width, height, width, height) + margin
        var result = self
        result.corners += regression * size
        return result
    }

    /// The smallest square about the same middle.
    func squared() -> Candidate {
        let side = max(width, height)
        let corner = SIMD2(corners[0] + width * 0.5 - side * 0.5, corners[1] + height * 0.5 - side * 0.5)
        var result = self
        result.corners = SIMD4(corner.x, corner.y, corner.x + side, corner.y + side)
        return result
    }

    /// The box's pixels, both edges counted, or `nil` when none of them is the picture's.
    ///
    /// A box that leaves the picture keeps its size: its regression and landmarks are shares of the whole square, and the
    /// networks were trained on such squares with black where the picture ends.
    func region(in picture: SummedAreas) -> PixelRegion? {
        // Wide boxes stay in the range of whole numbers.
        let limit = SIMD4<Float>(repeating: 1e6)
        let whole = corners.clamped(lowerBound: -limit, upperBound: limit).rounded(.down)
        let (left, top, right, bottom) = (Int(whole[0]) - 1, Int(whole[1]) - 1, Int(whole[2]), Int(whole[3]))
        guard right > max(left, 0), bottom > max(top, 0), left < picture.width, top < picture.height else { return nil }
        return PixelRegion(x: left, y: top, width: right - left, height: bottom - top)
    }
}

/// A face as the detector found it, in pixels of the picture it was given.
struct Detection: Hashable, Sendable {
    /// Left, top, right, bottom.
    var corners: SIMD4<Float>
    /// 0...1.
    var probability: Float
    /// Left eye, right eye, nose, left and right corner of the mouth; left and right are those of the upright face as it is
    /// looked at.
    var landmarks: [SIMD2<Float>]

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
