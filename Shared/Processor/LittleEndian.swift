#if _endian(big)
    #error("Numbers are stored as little-endian processors have them in memory.")
#endif

/// A number that is stored in 32 bits, the least significant byte first.
package protocol StoredNumber: BitwiseCopyable {}

extension Float: StoredNumber {}
extension Int32: StoredNumber {}

extension Array where Element: StoredNumber {
    /// Reads what `littleEndian` gave; bytes that are no whole number are left out.
    package init(littleEndian bytes: UnsafeRawBufferPointer) {
        let count = bytes.count / MemoryLayout<Element>.size
        self.init(unsafeUninitializedCapacity: count) { numbers, filled in
            let whole = UnsafeRawBufferPointer(rebasing: bytes.prefix(count * MemoryLayout<Element>.size))
            UnsafeMutableRawBufferPointer(numbers).copyMemory(from: whole)
            filled = count
        }
    }

    /// The numbers as bytes, one after another.
    package var littleEndian: [UInt8] { self[...].littleEndian }
}

extension ArraySlice where Element: StoredNumber {
    /// The numbers as bytes, one after another.
    package var littleEndian: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}
