import ModelManifest

/// What a network wants done to a channel's value v (0...255): (v - mean) · factor.
struct PixelNormalisation: Hashable, Sendable {
    /// By channel, in the order of the network's input; unused ones are 0.
    let mean: SIMD4<Float>
    let factor: SIMD4<Float>
}

extension PixelNormalisation {
    init(_ input: NetworkInput) {
        var (mean, factor) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
        for channel in 0..<input.colour.channels {
            mean[channel] = input.mean[channel]
            factor[channel] = 1 / input.deviation[channel]
        }
        self.init(mean: mean, factor: factor)
    }
}

extension NetworkInput {
    /// Writes one picture of exactly the input's size as the network wants it: channels x height x width.
    func write(_ image: RGBImage, into target: UnsafeMutablePointer<Float>) {
        precondition(image.width == width && image.height == height, "a picture of the network's input size")
        let normalisation = PixelNormalisation(self)
        let plane = width * height
        image.pixels.withUnsafeBufferPointer { pixels in
            for i in 0..<plane {
                let (red, green, blue) = (Float(pixels[3 * i]), Float(pixels[3 * i + 1]), Float(pixels[3 * i + 2]))
                let channels =
                    switch colour {
                    case .rgb: SIMD4(red, green, blue, 0)
                    case .bgr: SIMD4(blue, green, red, 0)
                    case .grey: SIMD4(luma(red, green, blue), 0, 0, 0)
                    }
                let values = (channels - normalisation.mean) * normalisation.factor
                for channel in 0..<colour.channels { target[channel * plane + i] = values[channel] }
            }
        }
    }
}

/// ITU-R BT.601's luma of a colour, in the colour's range.
func luma(_ red: Float, _ green: Float, _ blue: Float) -> Float {
    0.299 * red + 0.587 * green + 0.114 * blue
}
