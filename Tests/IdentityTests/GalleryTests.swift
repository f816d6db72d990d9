import Messages
import Testing

@testable import Identity

@Suite(.timeLimit(.minutes(5)))
struct GalleryTests {
    @Test func theNearestIsTheOneThatComparingWithEveryFaceFinds() {
        var generator = SplitMix(state: 1)
        var gallery = Gallery(width: 16)
        var known: [[Float]] = []
        for id in 0..<5000 {
            known.append(generator.unitVector(16))
            gallery.add(face(Int64(id)), template: known[id])
        }
        let probes = (0..<20).map { _ in generator.unitVector(16) }
        // Alone a probe goes another way through the library.
        let alone = probes.map { gallery.nearest(to: [$0])[0] }
        #expect(alone.map(\.?.face) == gallery.nearest(to: probes).map(\.?.face))
        for (probe, neighbour) in zip(probes, gallery.nearest(to: probes, impostors: 3)) {
            let cosines = known.map { zip($0, probe).reduce(0) { $0 + $1.0 * $1.1 } }
            let best = cosines.indices.max { cosines[$0] < cosines[$1] } ?? 0
            #expect(neighbour?.face.id == Int64(best))
            #expect(abs((neighbour?.distance ?? 9) - (1 - cosines[best])) < 1e-5)
            let next = cosines.sorted(by: >)[1...3]
            #expect(neighbour?.impostors.count == 3)
            #expect(zip(next, neighbour?.impostors ?? []).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test func removingMovesTheLastIntoThePlace() {
        var gallery = Gallery(width: 2)
        gallery.add(face(1), template: [1, 0])
        gallery.add(face(2), template: [0, 1])
        gallery.add(face(3), template: [-1, 0])
        gallery.remove(1)
        gallery.remove(1)
        #expect(gallery.count == 2)
        #expect(gallery.nearest(to: [[-1, 0], [0, 1]]).map { $0?.face.id } == [3, 2])
        #expect(gallery.nearest(to: [[1, 0]])[0]?.distance == 1)
        gallery.remove(3)
        gallery.remove(2)
        #expect(gallery.nearest(to: [[1, 0]]) == [nil])
    }

    @Test func inASmallGalleryThereAreFewerRivals() {
        var gallery = Gallery(width: 2)
        gallery.add(face(1), template: [1, 0])
        #expect(gallery.nearest(to: [[1, 0]], impostors: 4)[0]?.impostors == [])
        gallery.add(face(2), template: [0, 1])
        gallery.add(face(3), template: [-1, 0])
        #expect(gallery.nearest(to: [[1, 0]], impostors: 4)[0]?.impostors == [0, -1])
        #expect(gallery.nearest(to: [[1, 0]], impostors: 1)[0]?.impostors == [0])
    }

    @Test func aFaceAddedTwiceIsThereOnce() {
        var gallery = Gallery(width: 2)
        gallery.add(face(1), template: [1, 0])
        gallery.add(face(1), template: [0, 1])
        #expect(gallery.count == 1)
        #expect(gallery.nearest(to: [[0, 1]])[0]?.distance == 0)
    }

    private func face(_ id: Int64) -> Gallery.Face {
        Gallery.Face(id: id, user: .random(), job: .random(), distance: nil)
    }
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

    mutating func unitVector(_ width: Int) -> [Float] {
        let values = (0..<width).map { _ in Float.random(in: -1...1, using: &self) }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / length }
    }
}
