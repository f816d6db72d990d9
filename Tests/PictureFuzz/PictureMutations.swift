package import Foundation

/// Pictures that were spoilt on purpose, the same ones for the same seed: what nobody thinks of, on its way to the decoders.
package struct PictureMutations: Sendable {
    private let originals: [[UInt8]]
    private let seed: UInt64

    /// - Parameter seed: names the series; picture `n` of a series is always the same.
    package init(seed: UInt64) throws {
        let folder = Bundle.module.resourceURL!.appending(path: "Seeds")
        originals = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { [UInt8](try Data(contentsOf: $0)) }
        self.seed = seed
    }

    /// One picture of the series, from 0 on.
    package subscript(number: Int) -> Data {
        var generator = SplitMix64(state: seed &+ UInt64(number) &* 0xD1B5_4A32_D192_ED03)
        let original = originals.randomElement(using: &generator)!
        var file = original
        for _ in 0..<Int.random(in: 1...3, using: &generator) where file.count > 16 {
            spoil(&file, using: &generator)
        }
        return Data(file)
    }

    private func spoil(_ file: inout [UInt8], using generator: inout SplitMix64) {
        func place(_ count: Int) -> Int { Int.random(in: 0...file.count - count, using: &generator) }
        func length(_ most: Int) -> Int { Int.random(in: 1...min(most, file.count / 2), using: &generator) }
        switch Int.random(in: 0..<10, using: &generator) {
        case 0:
            for _ in 0..<length(16) { file[place(1)] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
        case 1:
            let count = length(64)
            let start = place(count)
            for position in start..<start + count { file[position] = .random(in: 0...255, using: &generator) }
        case 2:
            let count = length(512)
            let start = place(count)
            file.removeSubrange(start..<start + count)
        case 3:
            let count = length(512)
            let start = place(count)
            file.insert(contentsOf: file[start..<start + count], at: place(0))
        case 4:
            file.removeLast(length(file.count))
        case 5:
            let other = originals.randomElement(using: &generator)!
            file = file.prefix(place(0)) + other.suffix(Int.random(in: 0...other.count, using: &generator))
        default:
            if file.starts(with: [0x89]) {
                spoilChunk(&file, using: &generator)
            } else {
                spoilSegment(&file, using: &generator)
            }
        }
    }

    /// Changes what a JPEG says of itself, or says it many times.
    private func spoilSegment(_ file: inout [UInt8], using generator: inout SplitMix64) {
        let markers = file.indices.dropLast(4).filter {
            file[$0] == 0xFF && file[$0 + 1] >= 0xC0 && file[$0 + 1] < 0xFF
        }
        guard let start = markers.randomElement(using: &generator) else { return }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            // Often a frame's size, a scan's parameters or a table's counts.
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let position = min(start + Int.random(in: 2..<20, using: &generator), file.count - 1)
                file[position] = [0, 1, 2, 3, 4, 0x11, 0x3F, 0x7F, 0x80, 0xFF].randomElement(using: &generator)!
            }
        case 1:
            file[start + 1] = .random(in: 0xC0...0xFE, using: &generator)
        case 2:
            let end = markers.first { $0 > start } ?? file.count
            let copies = Int.random(in: 1...300, using: &generator)
            guard copies * (end - start) < 2 << 20 else { return }
            file.insert(contentsOf: Array(repeating: file[start..<end], count: copies).joined(), at: start)
        default:
            // A large picture in a small file.
            guard let frame = markers.first(where: { (0xC0...0xC2).contains(file[$0 + 1]) }), frame + 9 < file.count
            else { return }
            for position in frame + 5..<frame + 9 where position % 2 == (frame + 5) % 2 {
                file[position] = .random(in: 0...40, using: &generator)
            }
        }
    }

    /// Changes a PNG's chunk and makes its checksum right again, so that the change is read.
    private func spoilChunk(_ file: inout [UInt8], using generator: inout SplitMix64) {
        var chunks: [Range<Int>] = []
        var start = 8
        while start + 12 <= file.count {
            let length = file[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= file.count - start - 12 else { break }
            chunks.append(start..<start + 12 + length)
            start += 12 + length
        }
        guard let chunk = chunks.randomElement(using: &generator), chunk.count > 12 else { return }
        if Bool.random(using: &generator) {
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: chunk.lowerBound + 8..<chunk.upperBound - 4, using: &generator)
                file[position] = .random(in: 0...255, using: &generator)
            }
            let sum = Self.checksum(file[chunk.lowerBound + 4..<chunk.upperBound - 4])
            withUnsafeBytes(of: sum.bigEndian) {
                file.replaceSubrange(chunk.upperBound - 4..<chunk.upperBound, with: $0)
            }
        } else {
            let copies = Int.random(in: 1...50, using: &generator)
            file.insert(contentsOf: Array(repeating: file[chunk], count: copies).joined(), at: chunk.lowerBound)
        }
    }

    /// CRC-32 as PNG has it.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
    }
}

/// Steele, Lea and Flood 2014: the same numbers on every machine.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
