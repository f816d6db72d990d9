import Messages
import Processor
import Testing

@testable import FaceSearch

/// Faces to be searched, and the search that the index is held against.
struct Faces {
    var generator: SplitMix
    let width: Int
    var rows: [(face: KnownFace, template: [Float])] = []
    private var nextID: Int64 = 0

    init(seed: UInt64, width: Int) {
        generator = SplitMix(state: seed)
        self.width = width
    }

    mutating func add(_ template: [Float], person: UserID = .random()) {
        rows.append((KnownFace(id: nextID, person: person), template))
        nextID += 1
    }

    mutating func add(_ template: [Float], in index: inout FaceIndex) {
        add(template)
        index.insert(rows[rows.count - 1].face, template: template)
    }

    var index: FaceIndex {
        var index = FaceIndex(width: width)
        for (face, template) in rows { index.insert(face, template: template) }
        return index
    }

    /// By comparing every template in float64, and sorting them all.
    func best(for probe: [Float], people: Int) -> [Match] {
        var known: Set<UserID> = []
        let cosines = rows.map { ($0.face, product($0.template, probe)) }
        return cosines.sorted { $0.1 != $1.1 ? $0.1 > $1.1 : $0.0.id < $1.0.id }
            .filter { known.insert($0.0.person).inserted }
            .prefix(people).map { Match(face: $0.0, cosine: $0.1, arrival: 0) }
    }

    func expectAsByComparingAll(
        _ probes: [[Float]], people: Int, _ instructions: ByteProducts, at place: SourceLocation = #_sourceLocation
    ) {
        var search = FaceSearch(for: probes, people: people, instructions: instructions)
        search.run(in: index)
        for (probe, matches) in zip(probes, search.matches) {
            let best = best(for: probe, people: people)
            #expect(matches.map(\.face) == best.map(\.face), sourceLocation: place)
            // Added up in another order.
            #expect(zip(matches, best).allSatisfy { abs($0.cosine - $1.cosine) < 1e-12 }, sourceLocation: place)
        }
    }
}

func product(_ left: [Float], _ right: [Float]) -> Double {
    zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

/// A seeded generator (Steele, Lea, Flood 2014), so that a failure can be seen again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// With a first quarter whose values are so much greater.
    mutating func unitVector(_ width: Int, firstQuarter: Float = 1) -> [Float] {
        ofUnitLength((0..<width).map { Float.random(in: -1...1, using: &self) * ($0 * 4 < width ? firstQuarter : 1) })
    }

    /// About at that cosine from a vector.
    mutating func near(_ vector: [Float], cosine: Float) -> [Float] {
        let other = unitVector(vector.count)
        return ofUnitLength(zip(vector, other).map { $0 * cosine + $1 * (1 - cosine * cosine).squareRoot() })
    }

    /// Of `width` values, all 0, 1/8 or -1/8, and 64 of them not 0.
    mutating func eighths(_ width: Int) -> [Float] {
        var vector = [Float](repeating: 0, count: width)
        for place in (0..<width).shuffled(using: &self).prefix(64) {
            vector[place] = Bool.random(using: &self) ? 0.125 : -0.125
        }
        return vector
    }

    /// Vectors that whole levels hold badly, or whose sums are as great as they can be.
    mutating func spoilers(_ width: Int) -> [[Float]] {
        var vectors: [[Float]] = []
        for sign in [1, -1] as [Float] {
            vectors.append([sign] + [Float](repeating: 0, count: width - 1))
            vectors.append(ofUnitLength((0..<width).map { $0 == width / 2 ? sign : 1e-3 }))
            vectors.append(ofUnitLength((0..<width).map { $0 % 16 < 2 ? sign : 0 }))
            vectors.append(ofUnitLength((0..<width).map { $0 % 4 < 2 ? sign : 0 }))
            vectors.append(ofUnitLength([Float](repeating: sign, count: width)))
            vectors.append(ofUnitLength((0..<width).map { $0 % 2 == 0 ? sign : -sign }))
            // The greatest is 63 or 127 levels; the others lie between two.
            for levels in [63, 127] as [Float] {
                vectors.append(ofUnitLength((0..<width).map { $0 == 0 ? levels : sign * (Float($0 % 5) + 0.5) }))
            }
            vectors.append(ofUnitLength((0..<width).map { sign * Float($0 + 1) }))
        }
        for _ in 0..<6 {
            let few = Set((0..<3).map { _ in Int.random(in: 0..<width, using: &self) })
            vectors.append(
                ofUnitLength((0..<width).map { few.contains($0) ? 1 : Float.random(in: -0.02...0.02, using: &self) }))
        }
        return vectors
    }
}

private func ofUnitLength(_ values: [Float]) -> [Float] {
    let length = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    return values.map { Float(Double($0) / length) }
}
