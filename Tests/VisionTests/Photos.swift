import CTurboJPEG
import Foundation

@testable import Vision

/// The photos of this test target, and pictures made from them.
enum Photos {
    /// NASA, public domain: Eileen Collins, one face.
    static let astronaut = data("astronaut.png")

    static func data(_ name: String) -> Data {
        let url = Bundle.module.resourceURL!.appending(path: "Photos").appending(path: name)
        guard let data = try? Data(contentsOf: url) else { fatalError("the photo \(name) is not there") }
        return data
    }

    /// Decoded at full size.
    static func picture(_ name: String) throws -> Picture {
        var limits = ImageLimits()
        limits.side = .max
        return try Picture(data(name), limits: limits)
    }

    /// A picture of one colour.
    static func plain(width: Int, height: Int, _ colour: [UInt8] = [120, 130, 140]) -> RGBImage {
        RGBImage(
            width: width, height: height, pixels: (0..<width * height).flatMap { _ in colour })
    }

    /// A picture whose every pixel is different from its neighbours.
    static func ramp(width: Int, height: Int) -> RGBImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                pixels += [UInt8(x * 255 / width), UInt8(y * 255 / height), UInt8((x ^ y) & 255)]
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}

/// Files made for tests.
enum Encoded {
    /// A JPEG. With `orientation`, an EXIF block of that byte order says so.
    static func jpeg(
        _ image: RGBImage, orientation: Int? = nil, bigEndian: Bool = true, progressive: Bool = false
    ) -> Data {
        var file = compress(
            image.pixels, width: image.width, height: image.height, format: TJPF_RGB,
            flags: progressive ? TJFLAG_PROGRESSIVE : 0)
        if let orientation {
            file.insert(contentsOf: segment(0xE1, Array("Exif\0\0".utf8) + tiff(orientation, bigEndian)), at: 2)
        }
        return file
    }

    /// A JPEG of four inks, as Adobe stores them.
    static func cmykJPEG(width: Int, height: Int, inks: [UInt8]) -> Data {
        compress(
            (0..<width * height).flatMap { _ in inks }, width: width, height: height, format: TJPF_CMYK, flags: 0)
    }

    private static func compress(
        _ pixels: [UInt8], width: Int, height: Int, format: TJPF, flags: Int32
    ) -> Data {
        let handle = tjInitCompress()
        defer { tjDestroy(handle) }
        var buffer: UnsafeMutablePointer<UInt8>?
        var size: UInt = 0
        let status = tjCompress2(
            handle, pixels, Int32(width), 0, Int32(height), Int32(format.rawValue), &buffer, &size,
            Int32(TJSAMP_444.rawValue), 95, flags)
        precondition(status == 0, "turbojpeg compresses")
        defer { tjFree(buffer) }
        return Data(bytes: buffer!, count: Int(size))
    }

    /// A JPEG segment.
    static func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length = content.count + 2
        return [0xFF, marker, UInt8(length >> 8), UInt8(length & 255)] + content
    }

    /// A TIFF structure with an orientation among other entries.
    static func tiff(_ orientation: Int, _ bigEndian: Bool) -> [UInt8] {
        func number(_ value: Int, _ bytes: Int) -> [UInt8] {
            let digits = (0..<bytes).map { UInt8(value >> (8 * $0) & 255) }
            return bigEndian ? digits.reversed() : digits
        }
        return Array((bigEndian ? "MM" : "II").utf8) + number(42, 2) + number(8, 4)
            + number(2, 2)
            + number(0x010F, 2) + number(2, 2) + number(4, 4) + Array("abc\0".utf8)
            + number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2)
            + number(0, 4)
    }

    /// A PNG's start that announces a size and holds nothing.
    static func pngHeader(width: UInt32, height: UInt32) -> Data {
        func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
        let content = Array("IHDR".utf8) + number(width) + number(height) + [8, 2, 0, 0, 0]
        return Data(
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + number(13) + content + number(checksum(content)))
    }

    /// A chunk of a PNG.
    static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
        let body = Array(name.utf8) + content
        return number(UInt32(content.count)) + body + number(checksum(body))
    }

    /// CRC-32 as PNG has it.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in remainders[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8 }
    }

    private static let remainders: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
}

/// Intersection over union of two boxes: left, top, right, bottom.
func overlap(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> Float {
    let width = min(a[2], b[2]) - max(a[0], b[0])
    let height = min(a[3], b[3]) - max(a[1], b[1])
    let shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
}
