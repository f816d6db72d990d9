import CTurboJPEG

/// Owns one `tjhandle` for decompressing.
struct TurboJPEG: ~Copyable {
    private let handle: tjhandle

    private init?() {
        guard let handle = tjInitDecompress() else { return nil }
        self.handle = handle
    }

    deinit {
        tjDestroy(handle)
    }

    /// Decodes a file into rows of three bytes a pixel; the size picks the scaling factor.
    ///
    /// Returns whether all went without a warning; where not, the pixels are worth nothing.
    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, to target: UnsafeMutableBufferPointer<UInt8>, width: Int, height: Int
    ) -> Bool {
        guard let decompressor = TurboJPEG() else { return false }
        return tjDecompress2(
            decompressor.handle, bytes.baseAddress, UInt(bytes.count), target.baseAddress, Int32(width), 0,
            Int32(height), Int32(TJPF_RGB.rawValue), TJFLAG_STOPONWARNING) == 0
    }
}
