import CZlib
package import Hummingbird

/// Compression as browsers take it (RFC 1952).
package enum Gzip {
    /// These bytes compressed as well as zlib can, for what is compressed once and sent often.
    package static func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        // 31: the largest window, with a gzip header. Nothing of it can fail but for want of memory.
        let begun = deflateInit2_(
            &stream, Z_BEST_COMPRESSION, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(begun == Z_OK)
        defer { deflateEnd(&stream) }
        return [UInt8](unsafeUninitializedCapacity: Int(deflateBound(&stream, UInt(bytes.count)))) { out, count in
            bytes.withUnsafeBufferPointer { source in
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.avail_in = UInt32(source.count)
                stream.next_out = out.baseAddress
                stream.avail_out = UInt32(out.count)
                precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
                count = Int(stream.total_out)
            }
        }
    }

    /// Whether whoever asks takes it: named by `Accept-Encoding`, and not with a weight of 0.
    package static func isAccepted(by request: Request) -> Bool {
        request.headers[values: .acceptEncoding].flatMap { $0.split(separator: ",") }.contains { coding in
            let parts = coding.split(separator: ";").map(\.trimmed)
            return parts.first?.lowercased() == "gzip"
                && !parts.dropFirst().contains { $0.wholeMatch(of: #/[qQ]=0(\.0*)?/#) != nil }
        }
    }
}
