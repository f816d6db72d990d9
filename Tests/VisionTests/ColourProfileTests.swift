import CLibJPEG
import Foundation
import Testing

@testable import Vision

@Suite("Colour profiles")
struct ColourProfileTests {
    /// Primaries in XYZ under D50, as the profiles that ship with phones and cameras have them.
    private static let primaries: [String: [[Double]]] = [
        "sRGB": [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]],
        "Display P3": [[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]],
        "Adobe RGB": [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]],
    ]

    /// A curve of the kinds that profiles have: sRGB's as parameters or as a table, or a power.
    private enum Curve {
        case parameters, table, power(Double)

        var tag: [UInt8] {
            func number(_ value: Int, _ bytes: Int) -> [UInt8] {
                (0..<bytes).reversed().map { UInt8(value >> (8 * $0) & 255) }
            }
            func fixed(_ value: Double) -> [UInt8] { number(Int((value * 65536).rounded()), 4) }
            switch self {
            case .parameters:
                let parameters: [Double] = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]
                let kind = number(0, 4) + number(3, 2) + number(0, 2)
                return Array("para".utf8) + kind + parameters.flatMap(fixed)
            case .table:
                let points: [Double] = (0..<1024).map { step in
                    let value = Double(step) / 1023
                    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
                }
                let head = Array("curv".utf8) + number(0, 4) + number(1024, 4)
                return head + points.flatMap { number(Int(($0 * 65535).rounded()), 2) }
            case .power(let exponent):
                let head = Array("curv".utf8) + number(0, 4) + number(1, 4)
                return head + number(Int((exponent * 256).rounded()), 2)
            }
        }
    }

    private static func profile(_ name: String, _ curve: Curve, space: String = "RGB ") -> [UInt8] {
        func number(_ value: Int) -> [UInt8] {
            withUnsafeBytes(of: Int32(truncatingIfNeeded: value).bigEndian, Array.init)
        }
        var header = [UInt8](repeating: 0, count: 128)
        header.replaceSubrange(16..<24, with: Array((space + "XYZ ").utf8))
        header.replaceSubrange(12..<16, with: Array("mntr".utf8))
        header.replaceSubrange(36..<40, with: Array("acsp".utf8))
        header.replaceSubrange(68..<80, with: [0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D])
        var contents: [[UInt8]] = []
        for colour in Self.primaries[name]! {
            let values = colour.map { Int(($0 * 65536).rounded()) }
            contents.append(Array("XYZ ".utf8) + number(0) + values.flatMap(number))
        }
        contents += [curve.tag, curve.tag, curve.tag]
        let tags = zip(["rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"], contents)
        var (table, content) = (number(6), [UInt8]())
        for (name, tag) in tags {
            table += Array(name.utf8)
            table += number(128 + 4 + 6 * 12 + content.count) + number(tag.count)
            content += tag + [UInt8](repeating: 0, count: -tag.count & 3)
        }
        header.replaceSubrange(0..<4, with: number(128 + table.count + content.count))
        return header + table + content
    }

    private func files(_ colour: [UInt8], _ profile: [UInt8]) -> [Data] {
        let image = Photos.plain(width: 16, height: 16, colour)
        let segment = Encoded.segment(0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + profile)
        let chunk = Encoded.chunk("iCCP", [97, 0, 0] + Encoded.stored(profile))
        return [
            Encoded.jpeg(image).inserting(segment, before: 0xDB),
            Encoded.jpeg(image, JPEGCoding(isProgressive: true)).inserting(segment, before: 0xDB),
            Encoded.png(image.pixels, width: 16, height: 16, PNGStorage(before: [chunk])),
            Encoded.png(
                image.pixels.flatMap { [$0, $0] }, width: 16, height: 16, PNGStorage(depth: 16, before: [chunk])),
        ]
    }

    private func expect(_ colour: [UInt8], _ profile: [UInt8], shows wanted: [Int]) throws {
        for file in files(colour, profile) {
            let shown = try Picture(file, limits: ImageLimits()).image.pixels.prefix(3)
            for (value, wanted) in zip(shown, wanted) { #expect(abs(Int(value) - wanted) <= 3) }
        }
    }

    @Test("Display P3 becomes sRGB", arguments: [false, true])
    func displayP3(hasTable: Bool) throws {
        let profile = Self.profile("Display P3", hasTable ? .table : .parameters)
        // sRGB's red, green and skin in P3's numbers.
        try expect([234, 51, 35], profile, shows: [255, 0, 0])
        try expect([117, 251, 76], profile, shows: [0, 255, 0])
        try expect([128, 128, 128], profile, shows: [128, 128, 128])
        // Redder than sRGB goes.
        try expect([255, 0, 0], profile, shows: [255, 0, 0])
    }

    @Test("Adobe RGB becomes sRGB")
    func adobeRGB() throws {
        let profile = Self.profile("Adobe RGB", .power(2.19921875))
        try expect([219, 0, 0], profile, shows: [255, 0, 0])
        try expect([144, 255, 60], profile, shows: [0, 255, 0])
        try expect([127, 127, 127], profile, shows: [127, 127, 127])
    }

    @Test("sRGB's own profile and those of other kinds change nothing")
    func unchanged() throws {
        for profile in [
            Self.profile("sRGB", .parameters), Self.profile("sRGB", .table),
            Self.profile("Display P3", .table, space: "CMYK"), [1, 2, 3],
        ] {
            #expect(profile.withUnsafeBufferPointer { ColourProfile(icc: $0) } == nil)
            try expect([200, 100, 50], profile, shows: [200, 100, 50])
        }
    }

    @Test("grey and inks stay as they are")
    func otherPlanes() throws {
        let image = Photos.plain(width: 16, height: 16, [90, 120, 150])
        let segment = Encoded.segment(
            0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + Self.profile("Adobe RGB", .power(1)))
        for colours in [JCS_GRAYSCALE, JCS_CMYK] {
            let file = Encoded.jpeg(image, JPEGCoding(colours: colours))
            let (plain, tagged) = (file, file.inserting(segment, before: 0xDB))
            #expect(
                try Picture(tagged, limits: ImageLimits()).image == Picture(plain, limits: ImageLimits()).image)
        }
    }

    @Test("a damaged profile does no harm")
    func damaged() {
        let good = Self.profile("Display P3", .parameters)
        for position in good.indices {
            for value in [0, 0x7F, 0xFF] as [UInt8] {
                var bad = good
                bad[position] = value
                let pixels = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 3 * 256)
                defer { pixels.deallocate() }
                for index in pixels.indices { pixels[index] = UInt8(index / 3) }
                try? bad.withUnsafeBufferPointer { ColourProfile(icc: $0) }?.convert(pixels, within: .unlimited)
            }
        }
        for length in good.indices {
            good.prefix(length).withUnsafeBufferPointer { _ = ColourProfile(icc: $0) }
        }
    }
}
