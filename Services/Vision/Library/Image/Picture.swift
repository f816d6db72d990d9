package import FoundationEssentials
package import Messages

/// An uploaded picture, decoded and upright.
package struct Picture: Sendable {
    /// What is looked at: the whole picture, perhaps at a half, a quarter or an eighth of its size.
    package let image: RGBImage
    /// The size of the whole picture.
    package let size: PixelSize

    /// Pixels of the whole picture for one of `image`.
    var scale: SIMD2<Float> {
        SIMD2(Float(size.width) / Float(image.width), Float(size.height) / Float(image.height))
    }

    /// Decodes a JPEG or a PNG.
    ///
    /// Throws what the client is told: `emptyBody`, `unsupportedMediaType`, `tooLarge`, `corruptImage`, and what `work`
    /// throws. The other limits are checked before any pixel is decoded.
    package init(_ data: Data, limits: ImageLimits, within work: WorkLimit = .unlimited) throws(Failure) {
        guard !data.isEmpty else { throw Failure(.emptyBody, "The request has no picture.", stage: .vision) }
        guard data.count <= limits.bytes else {
            throw Failure(
                .tooLarge, "The picture has \(data.count) bytes, and \(limits.bytes) are allowed.", stage: .vision)
        }
        let stored = try data.span.withUnsafeBufferPointer { (bytes) throws(Failure) in
            switch ImageFormat(bytes) {
            case .jpeg: try JPEG.decode(bytes, limits: limits, within: work)
            case .png: try PNG.decode(bytes, limits: limits, within: work)
            case .other(let name):
                throw Failure(
                    .unsupportedMediaType,
                    name.map { "The picture is \($0), which is not read; send a JPEG or a PNG." }
                        ?? "The picture is neither JPEG nor PNG.", stage: .vision)
            }
        }
        try work.check()
        image = stored.image.turned(upright: stored.orientation)
        let size = stored.size
        self.size = stored.orientation.swapsSides ? PixelSize(width: size.height, height: size.width) : size
    }
}

extension Failure {
    /// A picture that is cut short or damaged.
    static func corrupt(_ detail: String) -> Failure {
        Failure(.corruptImage, detail, stage: .vision)
    }
}
