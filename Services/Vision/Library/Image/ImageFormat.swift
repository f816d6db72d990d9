/// A file's format, told by its first bytes and not by what the client says.
enum ImageFormat: Hashable, Sendable {
    case jpeg
    case png
    /// One that is not read; by its name, where it has one that people know.
    case other(String?)

    init(_ bytes: some Collection<UInt8>) {
        let start = Array(bytes.prefix(16))
        func has(_ signature: [UInt8], at offset: Int = 0) -> Bool { start.dropFirst(offset).starts(with: signature) }
        func says(_ words: String, at offset: Int = 0) -> Bool { has(Array(words.utf8), at: offset) }
        // A marker follows, perhaps behind spare bytes.
        if has([0xFF, 0xD8]), start.count > 2 {
            self = .jpeg
        } else if has([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if says("ftypavi", at: 4) {
            self = .other("AVIF")
        } else if ["ftyphe", "ftypmif1", "ftypmsf1"].contains(where: { says($0, at: 4) }) {
            self = .other("HEIC")
        } else if says("RIFF"), says("WEBP", at: 8) {
            self = .other("WebP")
        } else if says("GIF8") {
            self = .other("GIF")
        } else if says("BM") {
            self = .other("BMP")
        } else if has([0x49, 0x49, 0x2A, 0]) || has([0x4D, 0x4D, 0, 0x2A]) {
            self = .other("TIFF or a camera's raw format")
        } else if has([0xFF, 0x0A]) || says("JXL ", at: 4) {
            self = .other("JPEG XL")
        } else if says("jP  ", at: 4) {
            self = .other("JPEG 2000")
        } else if says("%PDF") {
            self = .other("PDF")
        } else {
            self = .other(nil)
        }
    }
}
