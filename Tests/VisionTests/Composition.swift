@testable import Vision

extension RGBImage {
    /// A part, which may reach past the edges: there it is of one colour.
    func cropped(x: Int, y: Int, width: Int, height: Int, _ colour: UInt8 = 0) -> RGBImage {
        var part = [UInt8](repeating: colour, count: 3 * width * height)
        for row in max(-y, 0)..<min(height, self.height - y) {
            let (first, last) = (max(-x, 0), min(width, self.width - x))
            guard first < last else { break }
            let source = 3 * ((y + row) * self.width + x + first)
            part.replaceSubrange(
                3 * (row * width + first)..<3 * (row * width + last), with: pixels[source..<source + 3 * (last - first)]
            )
        }
        return RGBImage(width: width, height: height, pixels: part)
    }

    /// The picture with a border of one colour.
    func bordered(by margin: Int, _ colour: UInt8 = 0) -> RGBImage {
        cropped(x: -margin, y: -margin, width: width + 2 * margin, height: height + 2 * margin, colour)
    }

    /// The picture at another size, by bilinear samples.
    func resized(by factor: Float) -> RGBImage {
        warped(
            by: SimilarityTransform(a: factor, b: 0, shift: .zero), width: Int(Float(width) * factor),
            height: Int(Float(height) * factor))
    }

    /// Two pictures side by side; the lower one is filled up with grey.
    func beside(_ other: RGBImage) -> RGBImage {
        let height = max(height, other.height)
        func row(_ image: RGBImage, _ y: Int) -> [UInt8] {
            guard y < image.height else { return [UInt8](repeating: 128, count: 3 * image.width) }
            return Array(image.pixels[3 * y * image.width..<3 * (y + 1) * image.width])
        }
        return RGBImage(
            width: width + other.width, height: height, pixels: (0..<height).flatMap { row(self, $0) + row(other, $0) })
    }

    /// This picture with another one laid on it, its left top corner at x and y.
    func overlaid(with other: RGBImage, x: Int, y: Int) -> RGBImage {
        var pixels = pixels
        for row in 0..<other.height {
            let start = 3 * ((y + row) * width + x)
            pixels.replaceSubrange(
                start..<start + 3 * other.width, with: other.pixels[3 * row * other.width..<3 * (row + 1) * other.width]
            )
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}
