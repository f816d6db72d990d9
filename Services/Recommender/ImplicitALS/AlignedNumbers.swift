import Glibc

/// Numbers in memory that begin at a multiple of 64 bytes, a cache line, where an array promises 16.
///
/// Sendable although it is a class whose memory can be written: `Factors`, its only owner, writes only while it holds the only
/// reference, as the standard library's arrays do.
final class AlignedNumbers: @unchecked Sendable {
    private static let largePage = 2 << 20
    let count: Int
    let start: UnsafeMutablePointer<Float>

    /// So many zeros.
    init(count: Int) {
        self.count = count
        let size = count * MemoryLayout<Float>.stride
        let isLarge = size >= Self.largePage
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: isLarge ? Self.largePage : 64)
        // Vectors are read in an order of the ratings', where small pages cost a miss in the address cache each.
        if isLarge { madvise(memory, size, MADV_HUGEPAGE) }
        start = memory.initializeMemory(as: Float.self, repeating: 0, count: count)
    }

    /// A copy.
    convenience init(_ other: AlignedNumbers) {
        self.init(count: other.count)
        start.update(from: other.start, count: count)
    }

    deinit {
        start.deallocate()
    }
}
