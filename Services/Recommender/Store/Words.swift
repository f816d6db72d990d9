import FoundationEssentials

/// How numbers are stored as bytes: 32 bits each, the least significant byte first.
extension Data {
    init(words: some Collection<UInt32>) {
        self = words.map(\.littleEndian).withUnsafeBytes { Data($0) }
    }

    /// What `init(words:)` wrote; bytes that are no whole word are left out.
    var words: [UInt32] {
        withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count & ~3, by: 4).map {
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
            }
        }
    }
}
