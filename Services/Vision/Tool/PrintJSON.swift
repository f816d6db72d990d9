import FoundationEssentials
import Glibc

/// Prints a value as one line of JSON, keys in alphabetical order.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
    // At once, for a reader at the other end of a pipe.
    fflush(nil)
}
