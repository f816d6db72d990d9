import Messages

extension FaceQuality {
    /// Measures a face.
    ///
    /// - Parameters:
    ///   - detection: the face in pixels of `image`.
    ///   - image: what the crop was taken from.
    ///   - crop: the same face as the identity network sees it.
    init(_ detection: Detection, in image: RGBImage, crop: RGBImage) {
        let corners = detection.corners(inside: image.size)
        let size = min(corners[2] - corners[0], corners[3] - corners[1])
        self.init(size: size, sharpness: crop.sharpness, yaw: Self.yaw(detection.landmarks))
    }

    /// |nose - middle of the eyes| along the eye axis, over the distance of the eyes; 1 where they fall together.
    static func yaw(_ landmarks: [SIMD2<Float>]) -> Float {
        let axis = landmarks[1] - landmarks[0]
        let square = (axis * axis).sum()
        guard square > 0 else { return 1 }
        let offset = landmarks[2] - (landmarks[0] + landmarks[1]) / 2
        return abs((offset * axis).sum()) / square
    }
}

extension RGBImage {
    /// The variance of the 3 x 3 Laplacian (four neighbours less four times the middle) of the luma, over all pixels that
    /// have four neighbours. 0 for pictures without any.
    var sharpness: Float {
        guard width > 2, height > 2 else { return 0 }
        let lumas = (0..<width * height).map { i in
            luma(Float(pixels[3 * i]), Float(pixels[3 * i + 1]), Float(pixels[3 * i + 2]))
        }
        var (sum, squares): (Double, Double) = (0, 0)
        for y in 1..<height - 1 {
            for x in 1..<width - 1 {
                let i = y * width + x
                let value = Double(lumas[i - 1] + lumas[i + 1] + lumas[i - width] + lumas[i + width] - 4 * lumas[i])
                sum += value
                squares += value * value
            }
        }
        let count = Double((width - 2) * (height - 2))
        return Float(max(squares / count - (sum / count) * (sum / count), 0))
    }
}
