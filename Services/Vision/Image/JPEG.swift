import CTurboJPEG
import Messages

/// Decoding through libjpeg-turbo.
enum JPEG {
    /// Decodes a file at 1, 1/2, 1/4 or 1/8 of its size, which saves memory and most of the work beyond entropy decoding.
    ///
    /// Returns the stored size, the pixels as stored, and how they are to be turned.
    static func decode(
        _ bytes: [UInt8], limits: ImageLimits
    ) throws(Failure) -> (PixelSize, RGBImage, Orientation) {
        let decompressor = try Decompressor()
        let header = try decompressor.header(of: bytes)
        let segments = JPEGSegments(bytes)
        // A progressive picture's coefficients are all held: two bytes each, of three full planes at worst.
        try limits.check(width: header.width, height: header.height, bytesAPixel: segments.isProgressive ? 6 : nil)
        let shift = limits.halvings(width: header.width, height: header.height)
        let image = try decompressor.decode(bytes, header: header, shift: shift)
        return (PixelSize(width: header.width, height: header.height), image, segments.orientation)
    }
}

/// What a JPEG says before its pixels.
struct JPEGSegments {
    /// From the first EXIF block that can be read.
    private(set) var orientation = Orientation.upright
    private(set) var isProgressive = false

    /// Walks the segments up to the first scan; stops, without complaint, where they make no sense.
    init(_ bytes: [UInt8]) {
        var position = 2
        var sawEXIF = false
        while position + 4 <= bytes.count, bytes[position] == 0xFF {
            let marker = bytes[position + 1]
            if marker == 0xFF {  // fill byte
                position += 1
                continue
            }
            if marker == 0xDA || marker == 0xD9 { return }
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            guard length >= 2, position + 2 + length <= bytes.count else { return }
            let content = bytes[position + 4..<position + 2 + length]
            switch marker {
            case 0xC2, 0xC6, 0xCA, 0xCE:
                isProgressive = true
            case 0xE1 where !sawEXIF && content.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]):  // "Exif\0\0"
                orientation = Orientation(tiff: content.dropFirst(6))
                sawEXIF = true
            default:
                break
            }
            position += 2 + length
        }
    }
}

/// Owns one `tjhandle` for decompressing.
private struct Decompressor: ~Copyable {
    struct Header {
        let width: Int
        let height: Int
        let isCMYK: Bool
    }

    private let handle: tjhandle

    init() throws(Failure) {
        guard let handle = tjInitDecompress() else {
            throw Failure(.internalError, "The JPEG decoder cannot start.", stage: .vision)
        }
        self.handle = handle
    }

    deinit {
        tjDestroy(handle)
    }

    func header(of bytes: [UInt8]) throws(Failure) -> Header {
        var (width, height, subsampling, colourSpace): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
        // An unusual subsampling is an error to this call alone: the size counts.
        _ = tjDecompressHeader3(handle, bytes, UInt(bytes.count), &width, &height, &subsampling, &colourSpace)
        guard width > 0, height > 0 else { throw .corrupt("The JPEG's header is damaged.") }
        let isCMYK = colourSpace == Int32(TJCS_CMYK.rawValue) || colourSpace == Int32(TJCS_YCCK.rawValue)
        return Header(width: Int(width), height: Int(height), isCMYK: isCMYK)
    }

    func decode(_ bytes: [UInt8], header: Header, shift: Int) throws(Failure) -> RGBImage {
        let width = (header.width - 1) >> shift + 1
        let height = (header.height - 1) >> shift + 1
        if header.isCMYK {
            var inks = [UInt8](repeating: 0, count: width * height * 4)
            try inks.withUnsafeMutableBufferPointer { buffer throws(Failure) in
                try decode(bytes, to: buffer, width: width, height: height, format: TJPF_CMYK)
            }
            // Adobe stores inks inverted, and so does everybody: 255 is none.
            return RGBImage(width: width, height: height) { target in
                for pixel in 0..<width * height {
                    for channel in 0..<3 {
                        let product = Int(inks[4 * pixel + channel]) * Int(inks[4 * pixel + 3])
                        target[3 * pixel + channel] = UInt8((product + 127) / 255)
                    }
                }
            }
        }
        return try RGBImage(width: width, height: height) { (target) throws(Failure) in
            try decode(bytes, to: target, width: width, height: height, format: TJPF_RGB)
        }
    }

    private func decode(
        _ bytes: [UInt8], to target: UnsafeMutableBufferPointer<UInt8>, width: Int, height: Int, format: TJPF
    ) throws(Failure) {
        // The size picks the scaling factor; the limit on scans stops small files that take minutes.
        let status = tjDecompress2(
            handle, bytes, UInt(bytes.count), target.baseAddress, Int32(width), 0, Int32(height),
            Int32(format.rawValue), TJFLAG_LIMITSCANS)
        guard status != 0 else { return }
        let message = tjGetErrorStr2(handle).map { String(cString: $0) } ?? ""
        // The library keeps the first warning. Some cameras leave bytes between the last scan and the end of the image
        // (marker 0xd9): by then every pixel has been decoded. All else means that pixels are missing or made up.
        let isHarmless =
            tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue) && message.hasSuffix("before marker 0xd9")
        guard isHarmless else { throw .corrupt("The JPEG is cut short or damaged.") }
    }
}
