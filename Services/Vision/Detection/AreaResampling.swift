/// A rectangle of whole pixels inside a picture.
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

extension RGBImage {
    var region: PixelRegion { PixelRegion(x: 0, y: 0, width: width, height: height) }

    /// Resizes a region by area, as PyTorch's `interpolate(mode: "area")` does, into three float planes.
    ///
    /// Output pixel i is the mean of input pixels floor(i · in / out) ..< ceil((i + 1) · in / out), each way; then
    /// (mean - `normalisation.mean`) / `normalisation.deviation`.
    func resample(
        _ region: PixelRegion, width outWidth: Int, height outHeight: Int, normalisation: Normalisation,
        into target: UnsafeMutablePointer<Float>, layout: PlaneLayout
    ) {
        let columns = (0...outWidth).map { $0 * region.width / outWidth }
        let ends = (0..<outWidth).map { (($0 + 1) * region.width + outWidth - 1) / outWidth }
        let count = region.width * 3
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count + 1) { sums in
            sums.initialize(repeating: 0)
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<outHeight {
                    let top = y * region.height / outHeight
                    let bottom = ((y + 1) * region.height + outHeight - 1) / outHeight
                    var line = source.baseAddress! + 3 * ((region.y + top) * width + region.x)
                    Self.sum(first: line, into: sums.baseAddress!, count: count)
                    for _ in top + 1..<bottom {
                        line += 3 * width
                        Self.sum(next: line, into: sums.baseAddress!, count: count)
                    }
                    let row = target + y * layout.row
                    for x in 0..<outWidth {
                        var total = SIMD4<UInt32>.zero
                        for column in columns[x]..<ends[x] {
                            // Red, green, blue and what comes next, which nobody reads.
                            total &+= UnsafeRawPointer(sums.baseAddress! + 3 * column)
                                .loadUnaligned(as: SIMD4<UInt32>.self)
                        }
                        let area = Float((bottom - top) * (ends[x] - columns[x]))
                        let mean = SIMD4<Float>(total) / area
                        let value = (mean - normalisation.mean) * normalisation.factor
                        let place = row + x * layout.column
                        place[0] = value[0]
                        place[layout.plane] = value[1]
                        place[2 * layout.plane] = value[2]
                    }
                }
            }
        }
    }

    private static func sum(first line: UnsafePointer<UInt8>, into sums: UnsafeMutablePointer<UInt32>, count: Int) {
        for i in 0..<count { sums[i] = UInt32(line[i]) }
    }

    private static func sum(next line: UnsafePointer<UInt8>, into sums: UnsafeMutablePointer<UInt32>, count: Int) {
        for i in 0..<count { sums[i] &+= UInt32(line[i]) }
    }
}
