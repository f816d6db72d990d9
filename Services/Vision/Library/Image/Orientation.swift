/// How a camera held the picture: EXIF's tag 0x0112, 1...8.
enum Orientation: Int, CaseIterable, Sendable {
    case upright = 1
    case mirrored = 2
    case upsideDown = 3
    case flipped = 4
    case transposed = 5
    /// Upright after a quarter turn clockwise: how phones store portraits.
    case turnedLeft = 6
    case transversed = 7
    case turnedRight = 8

    /// Whether the upright picture's width is the stored one's height.
    var swapsSides: Bool { rawValue >= 5 }

    /// Where a point of the upright picture lies in the stored one, whose size is given; pixels' middles have whole coordinates.
    func stored(_ point: SIMD2<Float>, width: Int, height: Int) -> SIMD2<Float> {
        let (right, bottom) = (Float(width - 1), Float(height - 1))
        return switch self {
        case .upright: point
        case .mirrored: SIMD2(right - point.x, point.y)
        case .upsideDown: SIMD2(right - point.x, bottom - point.y)
        case .flipped: SIMD2(point.x, bottom - point.y)
        case .transposed: SIMD2(point.y, point.x)
        case .turnedLeft: SIMD2(point.y, bottom - point.x)
        case .transversed: SIMD2(right - point.y, bottom - point.x)
        case .turnedRight: SIMD2(right - point.y, point.x)
        }
    }

    /// Reads the orientation from a TIFF structure, the content of an EXIF block.
    ///
    /// Damaged blocks are common and harmless: whatever cannot be read means `upright`.
    init(tiff: some Collection<UInt8>) {
        // As much as a segment of a JPEG holds.
        self = Self.read(Array(tiff.prefix(1 << 16))) ?? .upright
    }

    private static func read(_ bytes: [UInt8]) -> Orientation? {
        guard bytes.count >= 8 else { return nil }
        let littleEndian = bytes[0] == UInt8(ascii: "I")
        guard bytes[0] == bytes[1], littleEndian || bytes[0] == UInt8(ascii: "M") else { return nil }

        func integer(at offset: Int, bytes count: Int) -> Int? {
            guard offset >= 0, offset + count <= bytes.count else { return nil }
            let digits = bytes[offset..<offset + count]
            return (littleEndian ? Array(digits.reversed()) : Array(digits)).reduce(0) { $0 << 8 | Int($1) }
        }

        guard let directory = integer(at: 4, bytes: 4), let count = integer(at: directory, bytes: 2) else { return nil }
        for index in 0..<count {
            let entry = directory + 2 + 12 * index
            guard let tag = integer(at: entry, bytes: 2), let type = integer(at: entry + 2, bytes: 2) else {
                return nil
            }
            guard tag == 0x0112 else { continue }
            // A SHORT as the standard has it, or the LONG that some writers use.
            guard type == 3 || type == 4 else { return nil }
            return integer(at: entry + 8, bytes: type == 3 ? 2 : 4).flatMap(Orientation.init)
        }
        return nil
    }
}

extension RGBImage {
    /// The picture as it is meant to be seen.
    func turned(upright orientation: Orientation) -> RGBImage {
        guard orientation != .upright else { return self }
        let last = (width - 1, (height - 1) * width)
        // Pixel (x, y) of the upright picture is pixel `origin + x * right + y * down` of the stored one.
        let (origin, right, down) =
            switch orientation {
            case .upright: (0, 1, width)
            case .mirrored: (last.0, -1, width)
            case .upsideDown: (last.1 + last.0, -1, -width)
            case .flipped: (last.1, 1, -width)
            case .transposed: (0, width, 1)
            case .turnedLeft: (last.1, -width, 1)
            case .transversed: (last.1 + last.0, -width, -1)
            case .turnedRight: (last.0, width, -1)
            }
        let size = orientation.swapsSides ? (width: height, height: width) : (width: width, height: height)
        return pixels.withUnsafeBufferPointer { source in
            RGBImage(width: size.width, height: size.height) { target in
                var position = target.baseAddress!
                for y in 0..<size.height {
                    var pixel = source.baseAddress! + 3 * (origin + y * down)
                    for _ in 0..<size.width {
                        position[0] = pixel[0]
                        position[1] = pixel[1]
                        position[2] = pixel[2]
                        position += 3
                        pixel += 3 * right
                    }
                }
            }
        }
    }
}
