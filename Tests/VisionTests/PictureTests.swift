import Foundation
import Messages
import Testing

@testable import Vision

/// Why a file is refused, or `nil` when it is not.
func refusal(of data: Data, _ limits: ImageLimits = ImageLimits(), within work: WorkLimit = .unlimited) -> Failure? {
    do throws(Failure) {
        _ = try Picture(data, limits: limits, within: work)
        return nil
    } catch {
        return error
    }
}

@Suite("Pictures")
struct PictureTests {
    private func kind(_ data: Data, _ limits: ImageLimits = ImageLimits()) -> Failure.Kind? {
        refusal(of: data, limits)?.kind
    }

    @Test("what is no picture is refused by kind")
    func refused() {
        #expect(kind(Data()) == .emptyBody)
        #expect(kind(Data("hello, world".utf8)) == .unsupportedMediaType)
        #expect(kind(Data("GIF89a".utf8)) == .unsupportedMediaType)
        #expect(kind(Data([0xFF, 0xD8])) == .unsupportedMediaType)
        #expect(kind(Data([0xFF, 0xD8, 0xFF, 0xE0] + [UInt8](repeating: 7, count: 40))) == .corruptImage)
        #expect(kind(Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3])) == .corruptImage)
    }

    @Test(
        "formats that people have and that are not read are named",
        arguments: [
            ("\0\0\0\u{18}ftypheic", "HEIC"), ("\0\0\0\u{1C}ftypmif1", "HEIC"), ("\0\0\0\u{20}ftypavif", "AVIF"),
            ("RIFF\u{10}\0\0\0WEBPVP8 ", "WebP"), ("GIF89a", "GIF"), ("BM6\0", "BMP"), ("II*\0", "TIFF"),
            ("MM\0*", "TIFF"),
            ("%PDF-1.7", "PDF"), ("\0\0\0\u{0C}JXL ", "JPEG XL"),
        ])
    func named(start: String, name: String) {
        let refused = refusal(of: Data(start.utf8) + Data(count: 64))
        #expect(refused?.kind == .unsupportedMediaType)
        #expect(refused?.detail.contains(name) == true && refused?.detail.contains("send a JPEG or a PNG") == true)
    }

    @Test("bytes and pixels over the limit are refused before decoding")
    func tooLarge() {
        var limits = ImageLimits()
        limits.bytes = 1000
        #expect(kind(Photos.astronaut, limits) == .tooLarge)
        limits = ImageLimits()
        limits.pixels = 512 * 512 - 1
        #expect(kind(Photos.astronaut, limits) == .tooLarge)
        #expect(kind(Encoded.jpeg(Photos.plain(width: 513, height: 512)), limits) == .tooLarge)
        limits.pixels = 512 * 512
        #expect(kind(Photos.astronaut, limits) == nil)
        // Sixty bytes that ask for ten gigabytes.
        #expect(kind(Encoded.pngHeader(width: 60_000, height: 60_000)) == .tooLarge)
        #expect(kind(Encoded.pngHeader(width: .max >> 1, height: .max >> 1)) != nil)
    }

    @Test("files cut short are corrupt, wherever they are cut", arguments: [0.1, 0.5, 0.9, 0.99])
    func truncated(part: Double) {
        let image = Photos.ramp(width: 160, height: 120)
        for file in [Encoded.jpeg(image), Encoded.jpeg(image, progressive: true), Encoded.png(image)] {
            #expect(kind(file) == nil)
            #expect(kind(file.prefix(Int(Double(file.count) * part))) == .corruptImage)
        }
    }

    @Test("damaged files are corrupt")
    func damaged() {
        var png = Encoded.png(Photos.ramp(width: 160, height: 120))
        png[png.count / 2] ^= 0x55
        #expect(kind(png) == .corruptImage)
        var jpeg = Encoded.jpeg(Photos.ramp(width: 160, height: 120))
        for position in stride(from: jpeg.count / 2, to: jpeg.count / 2 + 60, by: 1) { jpeg[position] = 0x55 }
        jpeg.replaceSubrange(jpeg.count / 2 + 60..<jpeg.count / 2 + 62, with: [0xFF, 0xD4])
        #expect(kind(jpeg) == .corruptImage)
    }

    @Test("large pictures are halved while their long side stays long enough")
    func halved() throws {
        var limits = ImageLimits()
        limits.side = 100
        for (width, wanted) in [(198, 198), (200, 100), (396, 198), (400, 100), (800, 100), (1601, 201)] {
            for file in [
                Encoded.jpeg(Photos.plain(width: width, height: 60)),
                Encoded.png(Photos.plain(width: width, height: 60)),
            ] {
                let picture = try Picture(file, limits: limits)
                #expect(abs(picture.image.width - wanted) <= 1)
                #expect(picture.size == PixelSize(width: width, height: 60))
            }
        }
    }
}

@Suite("Orientation")
struct OrientationTests {
    /// Where row 0 and column 0 of the stored picture lie in the upright one: EXIF 2.3, tag 0x0112.
    @Test(
        "each orientation puts row 0 and column 0 where EXIF says",
        arguments: [
            (1, "top", "left"), (2, "top", "right"), (3, "bottom", "right"), (4, "bottom", "left"),
            (5, "left", "top"), (6, "right", "top"), (7, "right", "bottom"), (8, "left", "bottom"),
        ])
    func sides(value: Int, row: String, column: String) throws {
        var pixels = [UInt8](repeating: 0, count: 5 * 3 * 3)
        for x in 0..<5 { pixels[3 * x] = 200 }
        for y in 0..<3 { pixels[3 * 5 * y + 1] = 100 }
        let orientation = try #require(Orientation(rawValue: value))
        let upright = RGBImage(width: 5, height: 3, pixels: pixels).turned(upright: orientation)
        #expect(orientation.swapsSides == (value >= 5))
        #expect(upright.width == (value >= 5 ? 3 : 5))
        #expect(upright.height == (value >= 5 ? 5 : 3))
        func side(_ channel: Int, _ amount: UInt8) -> String? {
            let places = (0..<upright.width * upright.height).filter { upright.pixels[3 * $0 + channel] == amount }
            let xs = Set(places.map { $0 % upright.width })
            let ys = Set(places.map { $0 / upright.width })
            return switch (xs.count, ys.count) {
            case (_, 1): ys == [0] ? "top" : ys == [upright.height - 1] ? "bottom" : nil
            case (1, _): xs == [0] ? "left" : xs == [upright.width - 1] ? "right" : nil
            default: nil
            }
        }
        #expect(side(0, 200) == row)
        #expect(side(1, 100) == column)
    }

    @Test("both byte orders are read", arguments: [true, false])
    func byteOrders(bigEndian: Bool) {
        for value in 1...8 {
            #expect(Orientation(tiff: Encoded.tiff(value, bigEndian)[...]).rawValue == value)
        }
    }

    @Test("damaged EXIF means upright")
    func damaged() {
        let good = Encoded.tiff(6, true)
        for length in 0..<good.count - 8 {
            #expect(Orientation(tiff: good.prefix(length)) == .upright)
        }
        for position in good.indices {
            var bad = good
            bad[position] = 0xFF
            _ = Orientation(tiff: bad[...])
        }
        #expect(Orientation(tiff: Encoded.tiff(0, true)[...]) == .upright)
        #expect(Orientation(tiff: Encoded.tiff(9, false)[...]) == .upright)
    }

    @Test("a PNG's eXIf chunk counts")
    func png() throws {
        var file = Encoded.png(Photos.plain(width: 6, height: 4))
        file.insert(contentsOf: Encoded.chunk("eXIf", Encoded.tiff(6, true)), at: 33)
        let picture = try Picture(file, limits: ImageLimits())
        #expect(picture.size == PixelSize(width: 4, height: 6))
        #expect(picture.image.width == 4)
    }

    @Test("a photo in all eight orientations has its face in the same upright place")
    func photo() async throws {
        // Half size: the box is reported in the whole picture's pixels all the same.
        var settings = LookSettings()
        settings.limits.side = 256
        let upright = try Photos.picture("astronaut.png").image
        let lanes = try Networks.lanes()
        var boxes: [SIMD4<Float>] = []
        for orientation in Orientation.allCases {
            let inverse: Orientation =
                switch orientation {
                case .turnedLeft: .turnedRight
                case .turnedRight: .turnedLeft
                default: orientation
                }
            let file = Encoded.jpeg(upright.turned(upright: inverse), orientation: orientation.rawValue)
            let face = try await lanes.withLane { [settings] in try await $0.look(at: file, settings) }
            #expect(face.picture == PixelSize(width: 512, height: 512))
            boxes.append(face.detection.corners)
        }
        // Compression differs a little with the direction; a wrong turn would share nothing.
        for box in boxes { #expect(overlap(box, boxes[0]) > 0.9) }
        #expect(overlap(boxes[0], [181, 62, 268, 172]) > 0.8)
    }
}
