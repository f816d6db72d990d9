import CJPEG
import Messages

/// Decoding JPEGs at 1, 1/2, 1/4 or 1/8 of their size, which saves memory and most of the work beyond entropy decoding.
enum JPEG {
    /// Decodes a file.
    ///
    /// TurboJPEG decodes what is plain by itself. What is not, and whatever it has a warning about, goes through libjpeg,
    /// which tells damage from the manners of cameras, holds a limit of memory, and stops.
    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: ImageLimits, within work: WorkLimit
    ) throws(Failure) -> StoredPicture {
        let decoder = try JPEGDecoder(bytes)
        let header = try decoder.header()
        let size = PixelSize(width: Int(header.width), height: Int(header.height))
        try limits.check(size)
        let orientation = Orientation(tiff: UnsafeBufferPointer(start: header.exif, count: header.exif_count))
        // What is decoded from inks or from grey is sRGB whatever their profile says.
        let profile =
            header.planes == 3
            ? ColourProfile(icc: UnsafeBufferPointer(start: header.profile, count: header.profile_count)) : nil
        let shift = limits.halvings(size)
        let (width, height) = ((size.width - 1) >> shift + 1, (size.height - 1) >> shift + 1)
        // The picture is held a second time while it is turned.
        let picture = 3 * width * height
        try limits.check(memory: max(picture + header.coefficients, 2 * picture), of: size)
        let image = try RGBImage(width: width, height: height) { (target) throws(Failure) in
            if !header.is_plain || !TurboJPEG.decode(bytes, to: target, width: width, height: height) {
                try decoder.decode(to: target, shift: shift, limits: limits, size: size, within: work)
            }
            try profile?.convert(target, within: work)
        }
        return StoredPicture(size: size, image: image, orientation: orientation)
    }
}
