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
