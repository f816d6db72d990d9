import CPNG
import Messages

/// Decoding through libpng's simplified interface, which brings every kind of PNG to 8-bit sRGB and keeps its `longjmp`
/// to itself.
enum PNG {
    /// Decodes a file; what is transparent shows white.
    ///
    /// Returns the stored size, the pixels as stored (halved as the limits say), and how they are to be turned.
    static func decode(
        _ bytes: [UInt8], limits: ImageLimits
    ) throws(Failure) -> (PixelSize, RGBImage, Orientation) {
        guard let header = Header(bytes) else { throw .corrupt("The PNG's header is damaged.") }
        // Three bytes a pixel, and a quarter more while the picture is halved.
        try limits.check(width: header.width, height: header.height, bytesAPixel: 4)
        let chunks = Chunks(bytes)
        guard chunks.areWhole else { throw .corrupt("The PNG is cut short.") }
        var image = try pixels(of: bytes)
        let size = PixelSize(width: image.width, height: image.height)
        for _ in 0..<limits.halvings(width: size.width, height: size.height) where min(image.width, image.height) > 1 {
            image = image.halved()
        }
        return (size, image, chunks.orientation)
    }

    private static func pixels(of bytes: [UInt8]) throws(Failure) -> RGBImage {
        var control = png_image()
        control.version = png_uint_32(PNG_IMAGE_VERSION)
        // Frees what the two calls below hold between them; harmless after either failed.
        defer { png_image_free(&control) }
        return try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) in
            guard png_image_begin_read_from_memory(&control, buffer.baseAddress, buffer.count) != 0 else {
                throw .corrupt("The PNG's header is damaged.")
            }
            let (width, height) = (Int(control.width), Int(control.height))
            control.format = png_uint_32(PNG_FORMAT_RGB)
            var white = png_color(red: 255, green: 255, blue: 255)
            return try RGBImage(width: width, height: height) { (target) throws(Failure) in
                guard png_image_finish_read(&control, &white, target.baseAddress, 0, nil) != 0 else {
                    throw .corrupt("The PNG is cut short or damaged.")
                }
            }
        }
    }

    /// The size that the first chunk announces.
    private struct Header {
        let width: Int
        let height: Int

        init?(_ bytes: [UInt8]) {
            guard bytes.count >= 33, bytes[12..<16].elementsEqual("IHDR".utf8) else { return nil }
            width = integer(bytes[16..<20])
            height = integer(bytes[20..<24])
        }
    }

    /// What is to be known of a file's chunks beside its pixels.
    private struct Chunks {
        /// From the eXIf chunk, which may stand before or after the pixels.
        private(set) var orientation = Orientation.upright
        /// Whether the last chunk, IEND, was reached.
        private(set) var areWhole = false

        init(_ bytes: [UInt8]) {
            var position = 8
            while position + 12 <= bytes.count {
                let length = integer(bytes[position..<position + 4])
                guard position + 12 + length <= bytes.count else { return }
                let name = bytes[position + 4..<position + 8]
                if name.elementsEqual("eXIf".utf8) {
                    orientation = Orientation(tiff: bytes[position + 8..<position + 8 + length])
                } else if name.elementsEqual("IEND".utf8) {
                    areWhole = true
                    return
                }
                position += 12 + length
            }
        }
    }

    /// A big-endian number.
    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}
