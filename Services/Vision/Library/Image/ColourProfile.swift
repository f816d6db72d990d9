import Foundation
import Messages

/// The colours that a file's numbers stand for, where they are not sRGB: an ICC profile of three primaries and their tone
/// curves (ICC.1:2022, 8.3), as phones and cameras write them for Display P3 and Adobe RGB.
struct ColourProfile {
    /// Amounts of light by stored value, for red, green and blue.
    private let light: [SIMD3<Float>]
    /// What one of each primary is in sRGB's amounts of light.
    private let primaries: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)

    /// Reads a profile; `nil` where it is sRGB's own, near enough, or of another kind: then numbers stay as they are.
    init?(icc: UnsafeBufferPointer<UInt8>) {
        let tags = Tags(icc)
        guard tags.isOfPrimaries, let red = tags.colour("rXYZ"), let green = tags.colour("gXYZ"),
            let blue = tags.colour("bXYZ"), let reds = tags.curve("rTRC"), let greens = tags.curve("gTRC"),
            let blues = tags.curve("bTRC")
        else { return nil }
        primaries = (Self.sRGB(xyz: red), Self.sRGB(xyz: green), Self.sRGB(xyz: blue))
        light = (0..<256).map { value in
            let value = Float(value) / 255
            return SIMD3(reds(value), greens(value), blues(value)).clamped(lowerBound: .zero, upperBound: .one)
        }
        if isSRGB { return nil }
    }

    /// Whether converting changes no number by more than the rounding of 8 bits and a profile's own.
    private var isSRGB: Bool {
        let probes: [SIMD3<UInt8>] = [0, 32, 96, 160, 255].flatMap { value in
            [SIMD3(value, 0, 0), SIMD3(0, value, 0), SIMD3(0, 0, value), SIMD3(repeating: value)]
        }
        return probes.allSatisfy { probe in
            let converted = self.converted(probe)
            return (0..<3).allSatisfy { abs(Int(converted[$0]) - Int(probe[$0])) <= 3 }
        }
    }

    /// Turns pixels of three bytes into sRGB, in place. What sRGB cannot show becomes the nearest that it can.
    func convert(_ pixels: UnsafeMutableBufferPointer<UInt8>, within work: WorkLimit) throws(Failure) {
        let piece = 3 << 16
        for start in stride(from: 0, to: pixels.count, by: piece) {
            try work.check()
            for position in stride(from: start, to: min(start + piece, pixels.count), by: 3) {
                let pixel = converted(SIMD3(pixels[position], pixels[position + 1], pixels[position + 2]))
                (pixels[position], pixels[position + 1], pixels[position + 2]) = (pixel.x, pixel.y, pixel.z)
            }
        }
    }

    private func converted(_ pixel: SIMD3<UInt8>) -> SIMD3<UInt8> {
        let shown =
            primaries.0 * light[Int(pixel.x)].x + primaries.1 * light[Int(pixel.y)].y
            + primaries.2 * light[Int(pixel.z)].z
        let steps = SIMD3<Int32>(
            (shown.clamped(lowerBound: .zero, upperBound: .one) * Float(Self.encoded.count - 1)).rounded(
                .toNearestOrEven))
        return SIMD3(Self.encoded[Int(steps.x)], Self.encoded[Int(steps.y)], Self.encoded[Int(steps.z)])
    }

    /// sRGB's numbers by amount of light, in steps fine enough for the darkest.
    private static let encoded: [UInt8] = (0..<4096).map { step in
        let light = Double(step) / 4095
        return UInt8((255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055)).rounded())
    }

    /// From the profile connection space, whose white is D50, to amounts of sRGB's primaries.
    private static func sRGB(xyz: SIMD3<Float>) -> SIMD3<Float> {
        SIMD3(3.1338561, -0.9787684, 0.0719453) * xyz.x + SIMD3(-1.6168667, 1.9161415, -0.2289914) * xyz.y
            + SIMD3(-0.4906146, 0.0334540, 1.4052427) * xyz.z
    }
}

/// A profile's tags.
private struct Tags {
    private let bytes: UnsafeBufferPointer<UInt8>

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// Whether it describes red, green and blue by way of XYZ.
    var isOfPrimaries: Bool { name(at: 16) == "RGB " && name(at: 20) == "XYZ " && name(at: 36) == "acsp" }

    /// A colour in XYZ.
    func colour(_ name: String) -> SIMD3<Float>? {
        guard let start = start(of: name, type: "XYZ "), let x = fixed(at: start + 8), let y = fixed(at: start + 12),
            let z = fixed(at: start + 16)
        else { return nil }
        return SIMD3(x, y, z)
    }

    /// The amount of light for a stored value, both from 0 to 1.
    func curve(_ name: String) -> ((Float) -> Float)? {
        if let start = start(of: name, type: "curv"), let count = integer(at: start + 8, bytes: 4) {
            let points = (0..<min(count, 4096)).compactMap { integer(at: start + 12 + 2 * $0, bytes: 2) }.map(
                Float.init)
            guard points.count == count else { return nil }
            switch count {
            case 0: return { $0 }
            case 1: return { power($0, points[0] / 256) }
            default:
                return { value in
                    let place = value * Float(count - 1)
                    let left = min(Int(place), count - 2)
                    return (points[left] + (points[left + 1] - points[left]) * (place - Float(left))) / 65535
                }
            }
        }
        guard let start = start(of: name, type: "para"), let kind = integer(at: start + 8, bytes: 2), kind <= 4 else {
            return nil
        }
        // ICC.1:2022, table 68: y = (ax + b)^g + e from d on, cx + f below.
        let p = (0..<[1, 3, 4, 5, 7][kind]).compactMap { fixed(at: start + 12 + 4 * $0) }
        guard p.count == [1, 3, 4, 5, 7][kind] else { return nil }
        switch kind {
        case 0: return { power($0, p[0]) }
        case 1: return { power(p[1] * $0 + p[2], p[0]) }
        case 2: return { power(p[1] * $0 + p[2], p[0]) + p[3] }
        case 3: return { $0 >= p[4] ? power(p[1] * $0 + p[2], p[0]) : p[3] * $0 }
        default: return { $0 >= p[4] ? power(p[1] * $0 + p[2], p[0]) + p[5] : p[3] * $0 + p[6] }
        }
    }

    private func start(of tag: String, type: String) -> Int? {
        guard let count = integer(at: 128, bytes: 4) else { return nil }
        for entry in 0..<min(count, 100) where name(at: 132 + 12 * entry) == tag {
            guard let start = integer(at: 136 + 12 * entry, bytes: 4), name(at: start) == type else { return nil }
            return start
        }
        return nil
    }

    private func name(at offset: Int) -> String? {
        guard offset + 4 <= bytes.count else { return nil }
        return String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
    }

    private func integer(at offset: Int, bytes count: Int) -> Int? {
        guard offset + count <= bytes.count else { return nil }
        return bytes[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
    }

    /// A signed number with 16 bits behind the point.
    private func fixed(at offset: Int) -> Float? {
        integer(at: offset, bytes: 4).map { Float(Int32(truncatingIfNeeded: $0)) / 65536 }
    }
}

/// A power, 0 where the base is below 0 and it would be no number.
private func power(_ base: Float, _ exponent: Float) -> Float {
    base > 0 ? pow(base, exponent) : 0
}
