import Messages

/// How large a picture may be, and how much of it is looked at.
package struct ImageLimits: Hashable, Sendable {
    /// The greatest length of an uploaded file.
    package var bytes = 20 << 20
    /// The greatest width times height.
    package var pixels = 50_000_000
    /// The most memory that decoding one picture may take, the file's own bytes left out.
    package var memory = 120 << 20
    /// The processor time that looking at one picture may take.
    package var work: Duration = .seconds(2)
    /// The most pixels that a JPEG's scans together may go over: a progressive one has ten scans as a rule, and some have
    /// twenty.
    var scannedPixels = 600_000_000
    /// A picture is halved while its long side stays at least this long, in pixels. `Int.max` looks at every pixel.
    package var side = 1280

    package init() {}
}

extension ImageLimits {
    /// Refuses a picture of too many pixels, or of none, by its header's word.
    func check(_ size: PixelSize) throws(Failure) {
        guard size.width > 0, size.height > 0 else { throw .corrupt("The picture has no pixels.") }
        guard size.width <= pixels / size.height else {
            throw Failure(
                .tooLarge, "The picture has \(size.width) x \(size.height) pixels, and \(pixels) in all are allowed.",
                stage: .vision)
        }
    }

    /// Refuses a picture that takes too much memory to decode.
    ///
    /// - Parameter needed: what decoding holds at any one time, in bytes.
    func check(memory needed: Int, of size: PixelSize) throws(Failure) {
        guard needed <= memory else {
            throw Failure(
                .tooLarge,
                "The picture has \(size.width) x \(size.height) pixels and, in its format, takes \(needed) bytes of memory to decode; \(memory) are allowed.",
                stage: .vision)
        }
    }

    /// How often a picture is halved before it is looked at, at most three times.
    func halvings(_ size: PixelSize) -> Int {
        (1...3).last { (max(size.width, size.height) - 1) >> $0 + 1 >= side } ?? 0
    }
}
