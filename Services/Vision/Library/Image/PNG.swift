import CPNG
import Messages

/// Decoding PNGs, every kind of which becomes 8-bit sRGB; what is transparent shows white.
enum PNG {
    /// Decodes a file and halves it as the limits say.
    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: ImageLimits, within work: WorkLimit
    ) throws(Failure) -> StoredPicture {
        // Apple's own form begins with a chunk of its own, and its pixels are packed in a way of their own.
        guard !bytes.dropFirst(12).starts(with: "CgBI".utf8) else {
            throw Failure(
                .unsupportedMediaType,
                "The PNG is in the form that Apple packs into apps (CgBI); save it as an ordinary PNG or as a JPEG.",
                stage: .vision)
        }
        return try withUnsafePointer(to: work) { (permission) throws(Failure) in
            let decoder = try PNGDecoder(bytes, within: permission)
            let header = try decoder.header(limits)
            let size = PixelSize(width: Int(header.width), height: Int(header.height))
            let profile = ColourProfile(
                icc: UnsafeBufferPointer(start: header.profile, count: header.profile_count))
            var image = try RGBImage(width: size.width, height: size.height) { (target) throws(Failure) in
                try decoder.decode(to: target)
                try profile?.convert(target, within: work)
            }
            for _ in 0..<limits.halvings(size) where min(image.width, image.height) > 1 {
                try work.check()
                image = image.halved()
            }
            return StoredPicture(size: size, image: image, orientation: Orientation(tiff: decoder.exif))
        }
    }
}
