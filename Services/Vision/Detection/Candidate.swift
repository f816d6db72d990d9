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

    /// The box's pixels inside a picture, both edges counted, or `nil` when there are none.
    func region(in picture: SummedAreas) -> PixelRegion? {
        // Wide boxes stay in the range of whole numbers before they are cut to the picture.
        let limit = SIMD4<Float>(repeating: 1e6)
        let whole = corners.clamped(lowerBound: -limit, upperBound: limit)
        let (left, top) = (max(Int(whole[0]), 1) - 1, max(Int(whole[1]), 1) - 1)
        let (right, bottom) = (min(Int(whole[2]), picture.width), min(Int(whole[3]), picture.height))
        guard right > left, bottom > top else { return nil }
        return PixelRegion(x: left, y: top, width: right - left, height: bottom - top)
    }
}

/// A face as the detector found it, in pixels of the picture it was given.
struct Detection: Hashable, Sendable {
    /// Left, top, right, bottom.
    var corners: SIMD4<Float>
    /// 0...1.
    var probability: Float
    /// Left eye, right eye, nose, left and right corner of the mouth; left and right are the picture's.
    var landmarks: [SIMD2<Float>]

    var area: Float { (corners[2] - corners[0]) * (corners[3] - corners[1]) }

    init(corners: SIMD4<Float>, probability: Float, landmarks: [SIMD2<Float>]) {
        self.corners = corners
        self.probability = probability
        self.landmarks = landmarks
    }

    init(_ candidate: Candidate) {
        self.init(corners: candidate.corners, probability: candidate.score, landmarks: candidate.landmarks)
    }

    /// The same face in a picture `scale` times as large.
    func scaled(by scale: SIMD2<Float>) -> Detection {
        Detection(
            corners: corners * SIMD4(scale.x, scale.y, scale.x, scale.y), probability: probability,
            landmarks: landmarks.map { $0 * scale })
    }
}
