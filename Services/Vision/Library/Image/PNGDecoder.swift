import CPNG
import Messages

/// Owns one decoder of libpng, on bytes and a limit that outlive it.
struct PNGDecoder: ~Copyable {
    private let decoder: OpaquePointer
    private let work: UnsafePointer<WorkLimit>

    init(_ bytes: UnsafeBufferPointer<UInt8>, within work: UnsafePointer<WorkLimit>) throws(Failure) {
        let permit = cpng_permit(
            may_go_on: { $0!.assumingMemoryBound(to: WorkLimit.self).pointee.allowsMore },
            context: UnsafeMutableRawPointer(mutating: work))
        guard let decoder = cpng_open(bytes.baseAddress, bytes.count, permit) else {
            throw Failure(.internalError, "The PNG decoder cannot start.", stage: .vision)
        }
        self.decoder = decoder
        self.work = work
    }

    deinit {
        cpng_close(decoder)
    }

    /// What the file says before its pixels, within the limits. Asked once, and first.
    func header(_ limits: ImageLimits) throws(Failure) -> cpng_header {
        var header = cpng_header()
        let outcome = cpng_read_header(decoder, &header)
        let size = PixelSize(width: Int(header.width), height: Int(header.height))
        // A size that is too large is said before anything else that is wrong with the file.
        if size.width > 0 { try limits.check(size) }
        try check(outcome, "The PNG's header is damaged.")
        // Held a second time while it is turned or halved.
        let picture = 3 * size.width * size.height
        let copy = limits.halvings(size) > 0 ? picture / 4 : picture
        try limits.check(memory: picture + max(Int(header.working), copy), of: size)
        return header
    }

    /// Writes the pixels. Asked once, after the header.
    func decode(to target: UnsafeMutableBufferPointer<UInt8>) throws(Failure) {
        try check(cpng_decode(decoder, target.baseAddress), "The PNG is cut short or damaged.")
    }

    /// The content of the eXIf chunk, the decoder's own; empty when there is none. Asked after the pixels, behind which it may
    /// stand.
    var exif: UnsafeBufferPointer<UInt8> {
        var count = 0
        let start = cpng_exif(decoder, &count)
        return UnsafeBufferPointer(start: start, count: count)
    }

    private func check(_ outcome: cpng_outcome, _ damage: String) throws(Failure) {
        switch outcome {
        case CPNG_DONE: return
        case CPNG_STOPPED:
            try work.pointee.check()
            throw Failure(.internalError, "The PNG decoder stopped.", stage: .vision)
        case CPNG_TOO_LARGE:
            throw Failure(.tooLarge, "The PNG takes more memory to decode than is allowed.", stage: .vision)
        default: throw .corrupt(damage)
        }
    }
}
