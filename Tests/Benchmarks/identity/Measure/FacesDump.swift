import Foundation

/// A file of faces.py: the numbers of templates, values and probes as Int64, and the vectors as float32.
struct FacesDump {
    let templates: Int
    let width: Int
    let probes: Int
    private let bytes: Data

    private static let header = 3 * MemoryLayout<Int64>.size

    init(path: String) throws {
        bytes = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
        let sizes = bytes.prefix(Self.header).withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }
        (templates, width, probes) = (Int(sizes[0]), Int(sizes[1]), Int(sizes[2]))
    }

    /// A template, or behind the last of them a probe.
    func row(_ row: Int) -> [Float] {
        bytes.withUnsafeBytes { bytes in
            let start = Self.header + row * width * MemoryLayout<Float>.size
            return Array(bytes[start..<start + width * MemoryLayout<Float>.size].bindMemory(to: Float.self))
        }
    }

    func withTemplates<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            // Mapped memory begins at a page.
            body((bytes.baseAddress! + Self.header).assumingMemoryBound(to: Float.self))
        }
    }
}
