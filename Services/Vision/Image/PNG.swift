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
        var image = try pixels(of: bytes, limits: limits)
        let size = PixelSize(width: image.width, height: image.height)
        for _ in 0..<limits.halvings(width: size.width, height: size.height) where min(image.width, image.height) > 1 {
            image = image.halved()
        }
        return (size, image, orientation(of: bytes))
    }

    private static func pixels(of bytes: [UInt8], limits: ImageLimits) throws(Failure) -> RGBImage {
        var control = png_image()
        control.version = png_uint_32(PNG_IMAGE_VERSION)
        // Frees what the two calls below hold between them; harmless after either failed.
        defer { png_image_free(&control) }
        return try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) in
            guard png_image_begin_read_from_memory(&control, buffer.baseAddress, buffer.count) != 0 else {
                throw .corrupt("The PNG's header is damaged.")
            }
            let (width, height) = (Int(control.width), Int(control.height))
            // Three bytes a pixel, and a quarter more while the picture is halved.
            try limits.check(width: width, height: height, bytesAPixel: 4)
            control.format = png_uint_32(PNG_FORMAT_RGB)
            var white = png_color(red: 255, green: 255, blue: 255)
            return try RGBImage(width: width, height: height) { (target) throws(Failure) in
                guard png_image_finish_read(&control, &white, target.baseAddress, 0, nil) != 0 else {
                    throw .corrupt("The PNG is cut short or damaged.")
                }
            }
        }
    }

    /// The orientation in the eXIf chunk, which may stand before or after the pixels.
    private static func orientation(of bytes: [UInt8]) -> Orientation {
        var position = 8
        while position + 8 <= bytes.count {
            let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard position + 8 + length <= bytes.count else { break }
            if bytes[position + 4..<position + 8].elementsEqual("eXIf".utf8) {
                return Orientation(tiff: bytes[position + 8..<position + 8 + length])
            }
            position += 12 + length
        }
        return .upright
    }
}
