/// Pixels in memory: rows from the top, three bytes a pixel (red, green, blue), no gaps.
package struct RGBImage: Equatable, Sendable {
    package let width: Int
    package let height: Int
    private(set) var pixels: [UInt8]

    /// Width and height.
    package var size: SIMD2<Float> { SIMD2(Float(width), Float(height)) }

    /// Wraps pixels that are there; there must be `width * height * 3`.
    init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == width * height * 3, "an image has three bytes a pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Makes an image whose pixels `fill` writes, all of them.
    init<Failure: Error>(
        width: Int, height: Int, filledBy fill: (UnsafeMutableBufferPointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        let count = width * height * 3
        var problem: Failure?
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(Failure) {
                try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
                initialized = count
            } catch {
                problem = error
            }
        }
        if let problem { throw problem }
        self.init(width: width, height: height, pixels: pixels)
    }

    /// The picture at half its width and height (rounded down), each pixel the mean of four. Both must be at least 2.
    func halved() -> RGBImage {
        let (outWidth, outHeight) = (width / 2, height / 2)
        let stride = width * 3
        return pixels.withUnsafeBufferPointer { source in
            RGBImage(width: outWidth, height: outHeight) { target in
                for y in 0..<outHeight {
                    let upper = source.baseAddress! + 2 * y * stride
                    let lower = upper + stride
                    let row = target.baseAddress! + y * outWidth * 3
                    for x in 0..<outWidth {
                        for channel in 0..<3 {
                            let i = 6 * x + channel
                            let sum =
                                UInt16(upper[i]) &+ UInt16(upper[i + 3]) &+ UInt16(lower[i]) &+ UInt16(lower[i + 3])
                            row[3 * x + channel] = UInt8(truncatingIfNeeded: (sum &+ 2) >> 2)
                        }
                    }
                }
            }
        }
    }
}
