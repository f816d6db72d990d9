import CJPEG
import Messages

/// Owns one decoder of libjpeg, on bytes that outlive it.
struct JPEGDecoder: ~Copyable {
    private let decoder: OpaquePointer

    init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) {
        guard let decoder = cjpeg_open(bytes.baseAddress, bytes.count) else {
            throw Failure(.internalError, "The JPEG decoder cannot start.", stage: .vision)
        }
        self.decoder = decoder
    }

    deinit {
        cjpeg_close(decoder)
    }

    /// What the file says before its pixels. Asked once, and first; the pointers in it are to the file's bytes.
    func header() throws(Failure) -> cjpeg_header {
        var header = cjpeg_header()
        switch cjpeg_read_header(decoder, &header) {
        case CJPEG_DONE: return header
        case CJPEG_UNSUPPORTED: throw .unsupportedJPEG(header)
        case CJPEG_TOO_LARGE: throw .tooLargeJPEG
        default: throw .corrupt("The JPEG's header is damaged.")
        }
    }

    /// Writes the pixels, `size` halved `shift` times. Asked once, after the header.
    func decode(
        to target: UnsafeMutableBufferPointer<UInt8>, shift: Int, limits: ImageLimits, size: PixelSize,
        within work: WorkLimit
    ) throws(Failure) {
        let scans = max(1, limits.scannedPixels / (size.width * size.height))
        let outcome = withUnsafePointer(to: work) { work in
            var permitted = cjpeg_limits(
                memory: max(1, limits.memory - target.count), scans: Int32(clamping: scans),
                may_go_on: { $0!.assumingMemoryBound(to: WorkLimit.self).pointee.allowsMore },
                context: UnsafeMutableRawPointer(mutating: work))
            return cjpeg_decode(decoder, Int32(shift), &permitted, target.baseAddress)
        }
        switch outcome {
        case CJPEG_DONE: return
        case CJPEG_STOPPED:
            try work.check()
            throw Failure(.internalError, "The JPEG decoder stopped.", stage: .vision)
        case CJPEG_TOO_MANY_SCANS:
            throw Failure(
                .tooLarge,
                "The JPEG has more than the \(scans) scans allowed for its size; save it as an ordinary (baseline) JPEG.",
                stage: .vision)
        case CJPEG_TOO_LARGE: throw .tooLargeJPEG
        case CJPEG_UNSUPPORTED: throw .unsupportedJPEG(cjpeg_header())
        default: throw .corrupt("The JPEG is cut short or damaged.")
        }
    }
}

extension Failure {
    fileprivate static let tooLargeJPEG = Failure(
        .tooLarge, "The JPEG takes more memory to decode than is allowed.", stage: .vision)

    /// A whole JPEG of a kind that is not decoded; says which, and what to send instead.
    fileprivate static func unsupportedJPEG(_ header: cjpeg_header) -> Failure {
        let kind =
            switch header.unsupported {
            case 0xC3, 0xCB: "is lossless"
            case 0xC5...0xC7, 0xCD...0xCF, 0xDE: "is hierarchical"
            case 0xF7: "is a JPEG-LS"
            case 0xDC: "says its height behind its pixels (DNL)"
            default:
                if header.precision != 0 && header.precision != 8 {
                    "has \(header.precision) bits a colour"
                } else if header.planes == 2 || header.planes > 4 {
                    "has \(header.planes) colour planes"
                } else {
                    "is of a rare kind"
                }
            }
        return Failure(
            .unsupportedMediaType, "The JPEG \(kind), which is not read; save it as an ordinary JPEG or as a PNG.",
            stage: .vision)
    }
}
