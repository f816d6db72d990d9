import Foundation

@testable import Vision

/// How a test's PNG is stored.
struct PNGStorage {
    /// Bits of a number.
    var depth: UInt8 = 8
    /// 0 grey, 2 colours, 3 palette, 4 grey and opacity, 6 colours and opacity.
    var kind: UInt8 = 2
    var isInterlaced = false
    /// Chunks before and after the pixels.
    var before: [[UInt8]] = []
    var after: [[UInt8]] = []
    var hasEnd = true
}

extension Encoded {
    static func png(_ image: RGBImage) -> Data {
        png(image.pixels, width: image.width, height: image.height)
    }

    /// A PNG of pixels as it stores them, row by row, not compressed; what is less than a byte is packed already.
    static func png(_ pixels: [UInt8], width: Int, height: Int, _ storage: PNGStorage = PNGStorage()) -> Data {
        func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).bigEndian, Array.init) }
        let kind: [UInt8] = [storage.depth, storage.kind, 0, 0, storage.isInterlaced ? 1 : 0]
        let header = number(width) + number(height) + kind
        let rows = rows(of: pixels, width: width, height: height, storage)
        var file = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        file += chunk("IHDR", header)
        for chunk in storage.before { file += chunk }
        file += chunk("IDAT", stored(rows))
        for chunk in storage.after { file += chunk }
        if storage.hasEnd { file += chunk("IEND", []) }
        return file
    }

    /// Rows with their filter's number before each, in Adam7's passes where they are interlaced.
    private static func rows(of pixels: [UInt8], width: Int, height: Int, _ storage: PNGStorage) -> [UInt8] {
        guard storage.isInterlaced else {
            let length = pixels.count / height
            var rows: [UInt8] = []
            for y in 0..<height {
                rows.append(0)
                rows += pixels[y * length..<(y + 1) * length]
            }
            return rows
        }
        let bytes = pixels.count / (width * height)
        let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        var rows: [UInt8] = []
        for (left, top, across, down) in passes where left < width {
            for y in stride(from: top, to: height, by: down) {
                rows.append(0)
                for x in stride(from: left, to: width, by: across) {
                    let start = (y * width + x) * bytes
                    rows += pixels[start..<start + bytes]
                }
            }
        }
        return rows
    }

    /// A zlib stream of stored blocks.
    static func stored(_ content: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        let piece = 65535
        for start in stride(from: 0, to: max(content.count, 1), by: piece) {
            let block = content[start..<min(start + piece, content.count)]
            let length = UInt16(block.count)
            stream.append(start + piece >= content.count ? 1 : 0)
            for value in [length, ~length] { stream += [UInt8(value & 255), UInt8(value >> 8)] }
            stream += block
        }
        var sums: (UInt32, UInt32) = (1, 0)
        for byte in content {
            sums.0 = (sums.0 + UInt32(byte)) % 65521
            sums.1 = (sums.1 + sums.0) % 65521
        }
        return stream + withUnsafeBytes(of: (sums.1 << 16 | sums.0).bigEndian, Array.init)
    }
}
