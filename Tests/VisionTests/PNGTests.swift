import Foundation
import Messages
import Testing

@testable import Vision

@Suite("PNGs")
struct PNGTests {
    private func pixels(_ data: Data) throws -> [UInt8] {
        try Picture(data, limits: ImageLimits()).image.pixels
    }

    /// 16 bits of which the lower 8 repeat the upper.
    private func deep(_ values: [UInt8]) -> [UInt8] { values.flatMap { [$0, $0] } }

    private func opaque(_ image: RGBImage) -> [UInt8] {
        stride(from: 0, to: image.pixels.count, by: 3).flatMap { image.pixels[$0..<$0 + 3] + [255] }
    }

    @Test("the same colours in every kind give the same pixels", arguments: [false, true])
    func kinds(isInterlaced: Bool) throws {
        let image = Photos.ramp(width: 29, height: 21)
        func file(_ pixels: [UInt8], _ kind: UInt8, _ depth: UInt8 = 8, before: [[UInt8]] = []) -> Data {
            Encoded.png(
                pixels, width: image.width, height: image.height,
                PNGStorage(depth: depth, kind: kind, isInterlaced: isInterlaced, before: before))
        }
        #expect(try pixels(file(image.pixels, 2)) == image.pixels)
        #expect(try pixels(file(deep(image.pixels), 2, 16)) == image.pixels)
        #expect(try pixels(file(opaque(image), 6)) == image.pixels)
        #expect(try pixels(file(deep(opaque(image)), 6, 16)) == image.pixels)
        let greys = image.pixels.enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
        let wanted = greys.flatMap { [$0, $0, $0] }
        #expect(try pixels(file(greys, 0)) == wanted)
        #expect(try pixels(file(deep(greys), 0, 16)) == wanted)
        #expect(try pixels(file(greys.flatMap { [$0, 255] }, 4)) == wanted)
        #expect(try pixels(file(deep(greys.flatMap { [$0, 255] }), 4, 16)) == wanted)
        func coloured(_ value: UInt8) -> [UInt8] { [value, 255 - value, 9] }
        let palette = Encoded.chunk("PLTE", (0...255).flatMap(coloured))
        #expect(try pixels(file(greys, 3, before: [palette])) == greys.flatMap(coloured))
    }

    @Test("16 bits that say nothing of their gamma are as bright as 8")
    func sixteenBits() throws {
        let grey = deep([UInt8](repeating: 77, count: 16))
        #expect(
            try pixels(Encoded.png(grey, width: 4, height: 4, PNGStorage(depth: 16, kind: 0)))
                == [UInt8](repeating: 77, count: 48))
    }

    @Test("a gamma that is said counts")
    func gamma() throws {
        let linear = PNGStorage(kind: 0, before: [Encoded.chunk("gAMA", [0, 1, 0x86, 0xA0])])
        let value = try pixels(Encoded.png([55, 55, 55, 55], width: 2, height: 2, linear))[0]
        // 55/255 of the light is 0.5029 in sRGB.
        #expect(abs(Int(value) - 128) <= 1)
        let usual = PNGStorage(kind: 0, before: [Encoded.chunk("gAMA", [0, 0, 0xB1, 0x8F])])
        #expect(try pixels(Encoded.png([55, 55, 55, 55], width: 2, height: 2, usual))[0] == 55)
    }

    @Test("what is transparent shows white", arguments: [false, true])
    func transparency(isInterlaced: Bool) throws {
        func pixel(_ stored: [UInt8], _ kind: UInt8, _ depth: UInt8 = 8, before: [[UInt8]] = []) throws -> [UInt8] {
            let storage = PNGStorage(depth: depth, kind: kind, isInterlaced: isInterlaced, before: before)
            let file = Encoded.png(
                (0..<81).flatMap { _ in stored }, width: 9, height: 9, storage)
            return Array(try pixels(file).suffix(3))
        }
        #expect(try pixel([10, 20, 30, 0], 6) == [255, 255, 255])
        #expect(try pixel([10, 20, 30, 255], 6) == [10, 20, 30])
        #expect(try pixel([0, 0, 0, 51], 6) == [204, 204, 204])
        #expect(try pixel([50, 50, 0, 0], 4, 16) == [255, 255, 255])
        #expect(try pixel([7], 0, before: [Encoded.chunk("tRNS", [0, 7])]) == [255, 255, 255])
        #expect(try pixel([7, 7], 0, 16, before: [Encoded.chunk("tRNS", [7, 7])]) == [255, 255, 255])
        #expect(try pixel([7, 8, 9], 2, before: [Encoded.chunk("tRNS", [0, 7, 0, 8, 0, 9])]) == [255, 255, 255])
        #expect(try pixel([7, 8, 1], 2, before: [Encoded.chunk("tRNS", [0, 7, 0, 8, 0, 9])]) == [7, 8, 1])
        let palette = Encoded.chunk("PLTE", [1, 2, 3, 4, 5, 6])
        #expect(try pixel([1], 3, before: [palette, Encoded.chunk("tRNS", [255, 0])]) == [255, 255, 255])
    }

    @Test("fewer than 8 bits are read")
    func packed() throws {
        let bits = Encoded.png([0b1010_0000], width: 4, height: 1, PNGStorage(depth: 1, kind: 0))
        #expect(try pixels(bits) == [255, 255, 255, 0, 0, 0, 255, 255, 255, 0, 0, 0])
        let palette = Encoded.chunk("PLTE", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        let colours = Encoded.png([0b0001_1011], width: 4, height: 1, PNGStorage(depth: 2, kind: 3, before: [palette]))
        #expect(try pixels(colours) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    }

    @Test("the orientation stands before or behind the pixels", arguments: [false, true])
    func orientation(isBehind: Bool) throws {
        let block = [Encoded.chunk("eXIf", Encoded.tiff(6, true))]
        let image = Photos.ramp(width: 6, height: 4)
        for hasEnd in [true, false] {
            let storage = PNGStorage(before: isBehind ? [] : block, after: isBehind ? block : [], hasEnd: hasEnd)
            let picture = try Picture(
                Encoded.png(image.pixels, width: 6, height: 4, storage), limits: ImageLimits())
            #expect(picture.size == PixelSize(width: 4, height: 6))
        }
    }

    @Test("chunks that change no pixel do no harm, damaged, huge or moving")
    func chunks() throws {
        let image = Photos.ramp(width: 20, height: 20)
        var broken = Encoded.chunk("tEXt", Array("a\0b".utf8))
        broken[broken.count - 1] ^= 1
        // A frame of an animation; and what unpacks to a hundred times its size.
        let bomb = Encoded.chunk("zTXt", [97, 0, 0] + Self.zeros)
        let profile = Encoded.chunk("iCCP", [97, 0, 0] + Self.zeros)
        let before = [
            [Encoded.chunk("acTL", [0, 0, 0, 1, 0, 0, 0, 0])], [broken], [profile],
            Array(repeating: bomb, count: 200), [Encoded.chunk("abCd", [1, 2, 3])],
        ]
        for chunks in before {
            let file = Encoded.png(image.pixels, width: 20, height: 20, PNGStorage(before: chunks))
            #expect(try pixels(file) == image.pixels)
        }
    }

    /// A zlib stream of eight million zeros: one literal, then the longest copies, in fixed codes.
    private static let zeros: [UInt8] = {
        // A stored block of one zero, then a fixed block of length 258, distance 1 (eight and five bits: 0b11000101, 00000).
        var stream: [UInt8] = [0x78, 0x01, 0, 1, 0, 0xFE, 0xFF, 0]
        var (bits, count): (UInt32, UInt32) = (0b011, 3)
        for _ in 0..<31_000 {
            // 285 is 197 of the eight-bit codes, sent from its highest bit.
            for bit in [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0] as [UInt32] {
                bits |= bit << count
                count += 1
                if count == 8 {
                    stream.append(UInt8(bits))
                    (bits, count) = (0, 0)
                }
            }
        }
        return stream + [UInt8(bits), 0, 0, 0, 0, 0]
    }()

    @Test("pixels that are missing or wrong are damage")
    func damage() {
        let image = Photos.ramp(width: 60, height: 40)
        let file = Encoded.png(image)
        var wrong = file
        wrong[file.count / 2] ^= 0x10
        let short = Encoded.png(
            Array(image.pixels.dropLast(180)), width: 60, height: 39, PNGStorage())
        var tall = short
        tall.replaceSubrange(8..<33, with: Encoded.chunk("IHDR", [0, 0, 0, 60, 0, 0, 0, 40, 8, 2, 0, 0, 0]))
        for file in [wrong, tall, file.prefix(file.count / 2), file.prefix(60), file.prefix(33)] {
            #expect(refusal(of: file)?.kind == .corruptImage)
        }
        // Behind the last pixel nothing is missed.
        #expect(refusal(of: file.dropLast(12)) == nil)
    }

    @Test("Apple's own form says so")
    func apple() {
        var file = Encoded.png(Photos.plain(width: 8, height: 8))
        file.insert(contentsOf: Encoded.chunk("CgBI", [0x50, 0, 0x20, 2]), at: 8)
        let refused = refusal(of: file)
        #expect(refused?.kind == .unsupportedMediaType)
        #expect(refused?.detail.contains("CgBI") == true && refused?.detail.contains("save it as") == true)
    }

    @Test("memory is counted with rows, passes and transparency")
    func memory() {
        let image = Photos.plain(width: 300, height: 200)
        let picture = 300 * 200 * 3
        let transparent = opaque(image)
        let cases = [
            (Encoded.png(image), picture + picture),
            (
                Encoded.png(transparent, width: 300, height: 200, PNGStorage(kind: 6, isInterlaced: true)),
                picture + 300 * 200 * 4 + 16 * 300
            ),
        ]
        for (file, needed) in cases {
            var limits = ImageLimits()
            limits.memory = needed
            #expect(refusal(of: file, limits) == nil)
            limits.memory = needed - 1
            #expect(refusal(of: file, limits)?.kind == .tooLarge)
        }
    }

    @Test("libpng stops when the work or the time is over")
    func stops() throws {
        let image = Photos.plain(width: 400, height: 300)
        for isInterlaced in [false, true] {
            let file = Encoded.png(image.pixels, width: 400, height: 300, PNGStorage(isInterlaced: isInterlaced))
            for (limit, kind) in [
                (WorkLimit(.nanoseconds(1)), Failure.Kind.tooLarge),
                (WorkLimit(.seconds(60), deadline: .distantPast), .deadlinePassed),
            ] {
                var current = WorkLimit.unlimited
                #expect(throws: Failure.self) {
                    try file.span.withUnsafeBufferPointer { bytes in
                        try withUnsafeMutablePointer(to: &current) { current in
                            let decoder = try PNGDecoder(bytes, within: current)
                            _ = try decoder.header(ImageLimits())
                            current.pointee = limit
                            _ = try RGBImage(width: 400, height: 300) { try decoder.decode(to: $0) }
                        }
                    }
                }
                #expect(refusal(of: file, within: limit)?.kind == kind)
            }
        }
    }
}
