import FoundationEssentials
import Messages

/// An uploaded picture, decoded and upright.
struct Picture: Sendable {
    /// What is looked at: the whole picture, perhaps at a half, a quarter or an eighth of its size.
    let image: RGBImage
    /// The size of the whole picture.
    let size: PixelSize

    /// Pixels of the whole picture for one of `image`.
    var scale: SIMD2<Float> {
        SIMD2(Float(size.width) / Float(image.width), Float(size.height) / Float(image.height))
    }

    /// Decodes a JPEG or a PNG.
    ///
    /// Throws what the client is told: `emptyBody`, `unsupportedMediaType`, `tooLarge` or `corruptImage`. The limits are
    /// checked before any pixel is decoded.
    init(_ data: Data, limits: ImageLimits) throws(Failure) {
        guard !data.isEmpty else { throw Failure(.emptyBody, "The request has no picture.", stage: .vision) }
        guard data.count <= limits.bytes else {
            throw Failure(
                .tooLarge, "The picture has \(data.count) bytes, and \(limits.bytes) are allowed.", stage: .vision)
        }
        let bytes = [UInt8](data)
        let (stored, image, orientation) =
            switch ImageFormat(bytes) {
            case .jpeg: try JPEG.decode(bytes, limits: limits)
            case .png: try PNG.decode(bytes, limits: limits)
            case nil: throw Failure(.unsupportedMediaType, "The picture is neither JPEG nor PNG.", stage: .vision)
            }
        self.image = image.turned(upright: orientation)
        size =
            orientation.swapsSides ? PixelSize(width: stored.height, height: stored.width) : stored
    }
}

/// The formats that are read, told by their first bytes and not by what the client says.
enum ImageFormat: Sendable {
    case jpeg
    case png

    init?(_ bytes: [UInt8]) {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else {
            return nil
        }
    }
}

extension ImageLimits {
    /// Refuses a picture that is too large, by its header's word.
    ///
    /// - Parameter bytesAPixel: what decoding holds in memory, or `nil` where that does not grow with the picture.
    func check(width: Int, height: Int, bytesAPixel: Int?) throws(Failure) {
        guard width > 0, height > 0 else { throw .corrupt("The picture has no pixels.") }
        guard width <= pixels / height else {
            throw Failure(
                .tooLarge, "The picture has \(width) x \(height) pixels, and \(pixels) in all are allowed.",
                stage: .vision)
        }
        if let bytesAPixel, width * height > memory / bytesAPixel {
            throw Failure(
                .tooLarge,
                "The picture has \(width) x \(height) pixels, and \(memory / bytesAPixel) in all are allowed for its format.",
                stage: .vision)
        }
    }

    /// How often a picture is halved before it is looked at, at most three times.
    func halvings(width: Int, height: Int) -> Int {
        (1...3).last { (max(width, height) - 1) >> $0 + 1 >= side } ?? 0
    }
}

extension Failure {
    /// A picture that is cut short or damaged.
    static func corrupt(_ detail: String) -> Failure {
        Failure(.corruptImage, detail, stage: .vision)
    }
}
