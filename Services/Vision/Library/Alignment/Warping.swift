extension RGBImage {
    /// The picture seen through a transform: pixel p of the result is what lies at `transform.inverse(p)` here.
    ///
    /// Bilinear between pixel middles, which have whole coordinates; black outside. Where the picture shrinks to less than
    /// half, each pixel is the mean of a grid of samples, so that fine detail does not turn into noise.
    func warped(by transform: SimilarityTransform, width outWidth: Int, height outHeight: Int) -> RGBImage {
        let back = transform.inverse
        let samples = min(max(Int(back.scale), 1), 8)
        let steps = (0..<samples).map { (Float($0) + 0.5) / Float(samples) - 0.5 }
        let share = 1 / Float(samples * samples)
        return pixels.withUnsafeBufferPointer { source in
            RGBImage(width: outWidth, height: outHeight) { target in
                for y in 0..<outHeight {
                    for x in 0..<outWidth {
                        var sum = SIMD4<Float>.zero
                        for dy in steps {
                            for dx in steps {
                                sum += sample(source, at: back(SIMD2(Float(x) + dx, Float(y) + dy)))
                            }
                        }
                        let value = (sum * share).rounded(.toNearestOrAwayFromZero)
                        let position = 3 * (y * outWidth + x)
                        for channel in 0..<3 { target[position + channel] = UInt8(value[channel]) }
                    }
                }
            }
        }
    }

    private func sample(_ source: UnsafeBufferPointer<UInt8>, at point: SIMD2<Float>) -> SIMD4<Float> {
        // Also refuses what is not a number.
        guard point.x > -1, point.y > -1, point.x < Float(width), point.y < Float(height) else { return .zero }
        let corner = point.rounded(.down)
        let part = point - corner
        let (x, y) = (Int(corner.x), Int(corner.y))
        let top = pixel(source, x, y) * (1 - part.x) + pixel(source, x + 1, y) * part.x
        let bottom = pixel(source, x, y + 1) * (1 - part.x) + pixel(source, x + 1, y + 1) * part.x
        return top * (1 - part.y) + bottom * part.y
    }

    private func pixel(_ source: UnsafeBufferPointer<UInt8>, _ x: Int, _ y: Int) -> SIMD4<Float> {
        guard x >= 0, y >= 0, x < width, y < height else { return .zero }
        let position = source.baseAddress! + 3 * (y * width + x)
        return SIMD4(Float(position[0]), Float(position[1]), Float(position[2]), 0)
    }
}
