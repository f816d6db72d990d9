import CLibJPEG
import Foundation
import Messages
import Testing

@testable import Vision

@Suite("JPEGs")
struct JPEGTests {
    private static let image = Photos.ramp(width: 150, height: 110)
    private static let plain = Encoded.jpeg(image, JPEGCoding())
    /// In 19 x 14 units of 8 x 8, a restart marker after each row of them.
    private static let restarting = Encoded.jpeg(image, JPEGCoding(restart: 19))

    private func pixels(_ data: Data) throws -> [UInt8] {
        try Picture(data, limits: ImageLimits()).image.pixels
    }

    /// The mean difference of two pictures' values.
    private func difference(_ a: [UInt8], _ b: [UInt8]) -> Double {
        Double(zip(a, b).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(a.count)
    }

    // MARK: The manners of cameras

    /// What cameras do to the plain file, by name.
    private static let manners: [(name: String, file: Data)] = {
        var manners: [(name: String, file: Data)] = []
        func add(_ name: String, _ file: Data) { manners.append((name, file)) }
        func insert(_ name: String, _ bytes: [UInt8], before code: UInt8) {
            add(name, plain.inserting(bytes, before: code))
        }
        func end(_ name: String, _ bytes: [UInt8]) { add(name, plain.dropLast(2) + Data(bytes)) }

        insert("spare bytes before a segment", [0, 1, 2, 3, 4], before: 0xDB)
        insert("spare bytes before the scan", [7, 7, 7], before: 0xDA)
        insert("a spare byte after the first marker", [0xAA], before: 0xE0)
        insert("stuffed bytes between segments", [0xFF, 0, 0xFF, 0], before: 0xDB)
        insert("fill bytes before a marker", [0xFF, 0xFF, 0xFF], before: 0xC0)
        insert("markers without parameters", [0xFF, 0xD0, 0xFF, 0x01], before: 0xDB)
        let adobe = Array("Adobe".utf8)
        insert("an unknown transform of Adobe's", Encoded.segment(0xEE, adobe + [0, 100, 0, 0, 0, 0, 7]), before: 0xDB)
        insert("an Adobe segment cut short", Encoded.segment(0xEE, adobe), before: 0xDB)
        insert("an empty comment", Encoded.segment(0xFE, []), before: 0xDB)
        add("a sequential scan with the parameters 0, 0", plain.setting(0, at: 12, from: 0xDA))
        let odd = plain.setting(1, at: 11, from: 0xDA).setting(5, at: 12, from: 0xDA)
        add("a sequential scan with the parameters 1, 5, 0x21", odd.setting(0x21, at: 13, from: 0xDA))
        add("JFIF 0.2", plain.setting(0, at: 9, from: 0xE0).setting(2, at: 10, from: 0xE0))
        add("JFIF 9.99", plain.setting(9, at: 9, from: 0xE0).setting(99, at: 10, from: 0xE0))
        end("no end marker", [])
        end("half an end marker", [0xFF])
        end("zeros before the end marker", [UInt8](repeating: 0, count: 64) + [0xFF, 0xD9])
        end("a restart marker before the end marker", [0xFF, 0xD3, 0xFF, 0xD9])
        end("bytes after the end", [0xFF, 0xD9] + [UInt8](repeating: 0xAB, count: 500))
        add("a second picture after the end", plain + plain)
        add("restart markers", restarting)
        add("restart markers that all have one number", renumbered { _ in 0 })
        add("restart markers that start at 1", renumbered { ($0 + 1) % 8 })
        add("restart markers that start at 5", renumbered { ($0 + 5) % 8 })
        add("restart markers that count down", renumbered { 7 - $0 })
        add("spare bytes before restart markers", padded)
        return manners
    }()

    /// The file with restart markers of other numbers.
    private static func renumbered(_ change: (UInt8) -> UInt8) -> Data {
        var data = restarting
        for position in data.marker(0xDA)!..<data.count - 1
        where data[position] == 0xFF && (0xD0...0xD7).contains(data[position + 1]) {
            data[position + 1] = 0xD0 + change(data[position + 1] - 0xD0)
        }
        return data
    }

    /// The file with bytes that nobody reads before each restart marker, as some webcams leave them.
    private static var padded: Data {
        var data = restarting
        let first = data.marker(0xDA)!
        for position in (first..<data.count - 1).reversed()
        where data[position] == 0xFF && (0xD0...0xD7).contains(data[position + 1]) {
            data.insert(contentsOf: [0, 0, 0], at: position)
        }
        return data
    }

    @Test("what cameras do changes no pixel", arguments: manners.indices)
    func harmless(index: Int) throws {
        let (manner, file) = Self.manners[index]
        let decoded = try #require(try? pixels(file), "\(manner)")
        #expect(decoded == (try pixels(Self.plain)), "\(manner)")
    }

    @Test(
        "the orientation is found behind whatever stands before it",
        arguments: [
            [0, 1, 2, 3, 4, 5], [0xFF, 0xD0], [0xFF, 0x01], [0xFF, 0xFF, 0xFF],
            Encoded.segment(0xE1, Array("http://ns.adobe.com/xap/1.0/\0<x/>".utf8)),
            Encoded.segment(0xE1, []), Encoded.segment(0xE1, Array("Exif".utf8)), Encoded.segment(0xFE, [1]),
        ])
    func orientation(before: [UInt8]) throws {
        let file = Encoded.jpeg(Self.image, orientation: 6)
        let picture = try Picture(file.inserting(before, before: 0xE1), limits: ImageLimits())
        #expect(picture.size == PixelSize(width: 110, height: 150))
    }

    @Test("a picture in an EXIF block turns nothing, and its size is not the picture's")
    func thumbnail() throws {
        let inner = Encoded.jpeg(Photos.plain(width: 16, height: 16), orientation: 8)
        let block = Encoded.segment(0xE1, Array("Exif\0\0".utf8) + Encoded.tiff(1, false) + inner)
        let picture = try Picture(Self.plain.inserting(block, before: 0xDB), limits: ImageLimits())
        #expect(picture.size == PixelSize(width: 150, height: 110))
        #expect(picture.image.pixels == (try pixels(Self.plain)))
    }

    // MARK: Kinds

    private static let codings: [JPEGCoding] = [
        JPEGCoding(isProgressive: true), JPEGCoding(isArithmetic: true),
        JPEGCoding(isProgressive: true, isArithmetic: true), JPEGCoding(isInterleaved: false),
        JPEGCoding(isProgressive: true, restart: 7), JPEGCoding(isArithmetic: true, restart: 1),
        JPEGCoding(isInterleaved: false, restart: 3),
    ]

    @Test("every way to code the same numbers gives the same pixels", arguments: codings.indices)
    func sameNumbers(index: Int) throws {
        let file = Encoded.jpeg(Self.image, Self.codings[index])
        #expect(try pixels(file) == pixels(Encoded.jpeg(Self.image, JPEGCoding())))
        if !Self.codings[index].isArithmetic { #expect(try pixels(file.dropLast(2)) == pixels(file), "no end marker") }
    }

    @Test(
        "planes may be of many sizes",
        arguments: [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4), (4, 2), (3, 1), (3, 2)] as [(Int32, Int32)])
    func samplings(across: Int32, down: Int32) throws {
        var pixels: [UInt8] = []
        for y in 0..<61 {
            for x in 0..<97 { pixels += [UInt8(x + 80), UInt8(y + 60), 150] }
        }
        let smooth = RGBImage(width: 97, height: 61, pixels: pixels)
        for isProgressive in [false, true] {
            let coding = JPEGCoding(sampling: (across, down), isProgressive: isProgressive)
            #expect(difference(try self.pixels(Encoded.jpeg(smooth, coding)), smooth.pixels) < 6)
        }
    }

    @Test("planes of every colour become red, green and blue")
    func colours() throws {
        let colour = Photos.plain(width: 24, height: 16, [200, 120, 40])
        for (colours, saysAdobe) in [
            (JCS_RGB, true), (JCS_RGB, false), (JCS_YCbCr, true), (JCS_YCbCr, false), (JCS_CMYK, true),
            (JCS_CMYK, false), (JCS_YCCK, true),
        ] {
            for isProgressive in [false, true] {
                let coding = JPEGCoding(colours: colours, isProgressive: isProgressive, saysAdobe: saysAdobe)
                let decoded = try pixels(Encoded.jpeg(colour, coding))
                #expect(difference(decoded, colour.pixels) < 2, "\(colours), Adobe \(saysAdobe)")
            }
        }
        let grey = try pixels(Encoded.jpeg(colour, JPEGCoding(colours: JCS_GRAYSCALE)))
        #expect(difference(grey, [UInt8](repeating: 120, count: 24 * 16 * 3)) < 2)
        let inks = try pixels(Encoded.cmykJPEG(width: 16, height: 16, inks: [255, 128, 0, 128]))
        #expect(difference(Array(inks.prefix(3)), [128, 64, 0]) < 3)
    }

    @Test("a side may be one pixel", arguments: [(1, 1), (1, 600), (600, 1), (7, 9), (17, 2)])
    func small(width: Int, height: Int) throws {
        for isProgressive in [false, true] {
            let file = Encoded.jpeg(
                Photos.plain(width: width, height: height), JPEGCoding(isProgressive: isProgressive))
            #expect(try Picture(file, limits: ImageLimits()).size == PixelSize(width: width, height: height))
        }
    }

    @Test("what is not read says what it is, and what to do")
    func unsupported() {
        func frame(_ code: UInt8) -> Data { Self.plain.setting(code, at: 1, from: 0xC0) }
        let twoPlanes = Encoded.jpeg(
            [UInt8](repeating: 99, count: 2 * 64), of: JCS_UNKNOWN, width: 8, height: 8,
            JPEGCoding(colours: JCS_UNKNOWN))
        let cases: [(Data, String)] = [
            (frame(0xC3), "lossless"), (frame(0xCB), "lossless"), (frame(0xC5), "hierarchical"),
            (frame(0xCE), "hierarchical"), (frame(0xDE), "hierarchical"), (frame(0xF7), "JPEG-LS"),
            (Self.plain.setting(12, at: 4, from: 0xC0), "12 bits"), (twoPlanes, "2 colour planes"),
            (Self.plain.setting(0, at: 5, from: 0xC0).setting(0, at: 6, from: 0xC0), "DNL"),
        ]
        for (file, words) in cases {
            let refused = refusal(of: file)
            #expect(refused?.kind == .unsupportedMediaType)
            #expect(refused?.detail.contains(words) == true, "\(words): \(refused?.detail ?? "accepted")")
            #expect(refused?.detail.contains("save it as") == true)
        }
    }

    // MARK: Damage

    @Test("pixels that are missing or made up are damage")
    func damage() {
        var files: [(String, Data)] = []
        for file in [Self.plain, Self.restarting] + Self.codings.map({ Encoded.jpeg(Self.image, $0) }) {
            for part in [0.2, 0.5, 0.8, 0.97] {
                files.append(("cut at \(part)", file.prefix(Int(Double(file.count) * part))))
            }
        }
        // A file of a scan a plane, and a progressive one, that end between two scans.
        for coding in [JPEGCoding(isInterleaved: false), JPEGCoding(isProgressive: true)] {
            let file = Encoded.jpeg(Self.image, coding)
            var start = file.marker(0xDA)! + 2
            while let next = file.marker(0xDA, after: start) {
                files.append(("cut between scans", file.prefix(next)))
                if !coding.isInterleaved { files.append(("ended between scans", file.prefix(next) + [0xFF, 0xD9])) }
                start = next + 2
            }
        }
        let scan = Self.plain.marker(0xDA)!
        var wrong = Self.plain
        for position in scan + 200..<scan + 260 { wrong[position] = 0x55 }
        wrong.replaceSubrange(scan + 260..<scan + 262, with: [0xFF, 0xD4])
        files.append(("a marker amid the pixels", wrong))
        wrong = Self.plain
        for position in scan + 200..<scan + 300 { wrong[position] = position % 2 == 0 ? 0xFF : 0 }
        files.append(("codes that nobody gave a meaning", wrong))
        let restarts = Self.restarting.indices.dropLast().filter {
            $0 > scan && Self.restarting[$0] == 0xFF && (0xD0...0xD7).contains(Self.restarting[$0 + 1])
        }
        files.append(("a row missing", Self.restarting.prefix(restarts[4]) + Self.restarting[restarts[5]...]))
        for (name, file) in files { #expect(refusal(of: file)?.kind == .corruptImage, "\(name)") }
    }

    // MARK: Limits

    @Test("what a file in several scans holds is counted plane by plane, spare bytes or not")
    func memory() {
        // 512 x 384 is 64 x 48 blocks of 128 bytes a plane.
        let image = Photos.plain(width: 512, height: 384)
        let (blocks, picture) = (64 * 48 * 128, 512 * 384 * 3)
        let cases: [(JPEGCoding, Int)] = [
            (JPEGCoding(isProgressive: true), 3 * blocks), (JPEGCoding(isInterleaved: false), 3 * blocks),
            (JPEGCoding(sampling: (2, 2), isProgressive: true), blocks + 2 * blocks / 4),
            (JPEGCoding(colours: JCS_GRAYSCALE, isProgressive: true), blocks),
            (JPEGCoding(colours: JCS_CMYK, isInterleaved: false), 4 * blocks),
            (JPEGCoding(colours: JCS_YCCK, isProgressive: true), 4 * blocks),
            (JPEGCoding(isProgressive: true, isArithmetic: true), 3 * blocks),
        ]
        for (coding, held) in cases {
            let file = Encoded.jpeg(image, coding)
            var limits = ImageLimits()
            // The library's own tables and rows are small beside this.
            let needed = max(held + picture, 2 * picture)
            limits.memory = needed + 400_000
            #expect(refusal(of: file, limits) == nil)
            limits.memory = needed - 1
            for file in [file, file.prefix(2) + [0] + file.dropFirst(2), file.inserting([0xFF, 0x01], before: 0xDB)] {
                let refused = refusal(of: file, limits)
                #expect(refused?.kind == .tooLarge, "\(coding)")
                #expect(refused?.detail.contains("\(needed) bytes") == true)
            }
        }
        // One scan is decoded row by row; turning it takes a copy.
        var limits = ImageLimits()
        limits.memory = 2 * picture
        #expect(refusal(of: Encoded.jpeg(image, orientation: 6), limits) == nil)
        limits.memory -= 1
        #expect(refusal(of: Encoded.jpeg(image), limits)?.kind == .tooLarge)
    }

    /// Grey and progressive, with its first scan `count` times.
    private func manyScans(_ count: Int, width: Int, height: Int) -> Data {
        let file = Encoded.jpeg(
            Photos.plain(width: width, height: height), JPEGCoding(colours: JCS_GRAYSCALE, isProgressive: true))
        let first = file.marker(0xDA)!
        let next = (first + 2..<file.count).first { file[$0] == 0xFF && file[$0 + 1] != 0 && $0 > first + 9 }!
        let scan = file[first..<next]
        return file.prefix(first) + Data((0..<count).map { _ in scan }.joined()) + file[next...]
    }

    @Test("scans times pixels are limited")
    func scans() {
        let file = manyScans(499, width: 160, height: 120)
        #expect(file.count < 100_000)
        var limits = ImageLimits()
        limits.scannedPixels = 600 * 160 * 120
        #expect(refusal(of: file, limits) == nil)
        limits.scannedPixels = 100 * 160 * 120
        let refused = refusal(of: file, limits)
        #expect(refused?.kind == .tooLarge)
        #expect(refused?.detail.contains("100 scans") == true)
    }

    @Test("libjpeg stops when the work or the time is over")
    func stops() throws {
        let files = [
            manyScans(20, width: 400, height: 300),
            Encoded.jpeg(Photos.ramp(width: 400, height: 300), JPEGCoding(isArithmetic: true)),
        ]
        for file in files {
            for (limit, kind) in [
                (WorkLimit(.nanoseconds(1)), Failure.Kind.tooLarge),
                (WorkLimit(.seconds(60), deadline: .distantPast), .deadlinePassed),
            ] {
                #expect(throws: Failure.self) {
                    try file.span.withUnsafeBufferPointer { bytes in
                        let decoder = try JPEGDecoder(bytes)
                        let size = PixelSize(width: 400, height: 300)
                        _ = try decoder.header()
                        _ = try RGBImage(width: 400, height: 300) { target in
                            try decoder.decode(
                                to: target, shift: 0, limits: ImageLimits(), size: size, within: limit)
                        }
                    }
                }
                #expect(refusal(of: file, within: limit)?.kind == kind)
            }
        }
    }
}
