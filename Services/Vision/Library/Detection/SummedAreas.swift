/// A rectangle of whole pixels, which may reach past the picture's edges.
struct PixelRegion: Hashable, Sendable {
    var x: Int
    var y: Int
    var width: Int
    var height: Int
}

/// Where float planes lie in memory, perhaps among those of other pictures.
struct PlaneLayout: Hashable, Sendable {
    /// Values from one column to the next.
    var column: Int
    /// Values from one row to the next.
    var row: Int
    /// Values from one channel to the next.
    var plane: Int
}

/// A picture's summed-area table (Crow 1984, "Summed-area tables for texture mapping"): the sum over any rectangle takes four reads.
///
/// Every scale of the pyramid and every crop is a mean over rectangles. Keeps its memory from picture to picture.
struct SummedAreas {
    private(set) var width = 0
    private(set) var height = 0
    /// Sums over all pixels above and to the left, red, green and blue, a row and a column longer than the picture; modulo 2³²,
    /// which differences do not notice. What lies behind the last is read, and changes nothing.
    private var sums: [UInt32] = []

    private var stride: Int { 3 * (width + 1) }

    /// The picture's width and height.
    var size: SIMD2<Float> { SIMD2(Float(width), Float(height)) }

    /// The whole picture.
    var region: PixelRegion { PixelRegion(x: 0, y: 0, width: width, height: height) }

    init() {}

    init(_ image: RGBImage) {
        sum(image)
    }

    /// Takes another picture.
    mutating func sum(_ image: RGBImage) {
        (width, height) = (image.width, image.height)
        let count = stride * (height + 1) + 1
        if sums.count < count { sums = [UInt32](repeating: 0, count: count) }
        let (width, stride) = (width, stride)
        sums.withUnsafeMutableBufferPointer { sums in
            image.pixels.withUnsafeBufferPointer { pixels in
                var row = UnsafeMutableRawPointer(sums.baseAddress!)
                row.initializeMemory(as: UInt32.self, repeating: 0, count: stride)
                for y in 0..<height {
                    let line = UnsafeRawPointer(pixels.baseAddress! + 3 * width * y)
                    let above = row + 12
                    row += 4 * stride
                    row.initializeMemory(as: UInt32.self, repeating: 0, count: 3)
                    var left = SIMD4<UInt32>.zero
                    func add(_ pixel: SIMD4<UInt8>, at x: Int) {
                        left &+= SIMD4(truncatingIfNeeded: pixel)
                        let sum = (above + 12 * x).loadUnaligned(as: SIMD4<UInt32>.self) &+ left
                        (row + 12 * (x + 1)).storeBytes(of: sum, as: SIMD4<UInt32>.self)
                    }
                    for x in 0..<width - 1 { add((line + 3 * x).loadUnaligned(as: SIMD4<UInt8>.self), at: x) }
                    // Behind the last pixel there may be nothing.
                    let last = 3 * (width * (y + 1) - 1)
                    add(SIMD4(pixels[last], pixels[last + 1], pixels[last + 2], 0), at: width - 1)
                }
            }
        }
    }

    /// Resizes a region by area, as PyTorch's `interpolate(mode: "area")` does, into three float planes.
    ///
    /// Output pixel i is the mean of input pixels floor(i · in / out) ..< ceil((i + 1) · in / out), each way; then
    /// (mean - `normalisation.mean`) · `normalisation.factor`. Beyond the picture all is black. No mean may be of more than
    /// 2²³ pixels of the picture.
    func resample(
        _ region: PixelRegion, width outWidth: Int, height outHeight: Int, normalisation: PixelNormalisation,
        into target: UnsafeMutablePointer<Float>, layout: PlaneLayout
    ) {
        let columns = (0..<outWidth).map { x in
            let (start, end) = Self.span(x, of: outWidth, over: region.width)
            return (
                start: 12 * Self.clipped(region.x + start, to: self.width),
                end: 12 * Self.clipped(region.x + end, to: self.width), inverse: 1 / Float(end - start)
            )
        }
        sums.withUnsafeBytes { sums in
            for y in 0..<outHeight {
                let (top, bottom) = Self.span(y, of: outHeight, over: region.height)
                let above = sums.baseAddress! + 4 * stride * Self.clipped(region.y + top, to: height)
                let below = sums.baseAddress! + 4 * stride * Self.clipped(region.y + bottom, to: height)
                let inverse = 1 / Float(bottom - top)
                var place = target + y * layout.row
                for column in columns {
                    func sum(_ row: UnsafeRawPointer) -> SIMD4<UInt32> {
                        (row + column.end).loadUnaligned(as: SIMD4<UInt32>.self)
                            &- (row + column.start).loadUnaligned(as: SIMD4<UInt32>.self)
                    }
                    let total = SIMD4<Int32>(truncatingIfNeeded: sum(below) &- sum(above))
                    let mean = SIMD4<Float>(total) * (column.inverse * inverse)
                    let value = (mean - normalisation.mean) * normalisation.factor
                    place[0] = value[0]
                    place[layout.plane] = value[1]
                    place[2 * layout.plane] = value[2]
                    place += layout.column
                }
            }
        }
    }

    private static func clipped(_ edge: Int, to size: Int) -> Int {
        min(max(edge, 0), size)
    }

    /// The input pixels that output pixel `index` of `count` is the mean of.
    private static func span(_ index: Int, of count: Int, over size: Int) -> (start: Int, end: Int) {
        (index * size / count, ((index + 1) * size + count - 1) / count)
    }
}
