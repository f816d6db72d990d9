import Messages
import Testing

@testable import Identity

@Suite(.timeLimit(.minutes(5)))
struct ExactSearchTests {
    private let people = (0..<9).map { _ in UserID.random() }

    @Test func thePeopleNearestAreThoseThatComparingWithEveryTemplateFinds() {
        var generator = SplitMix(state: 1)
        var search = ExactSearch(width: 16)
        let crowd = (0..<1500).map { _ in UserID.random() }
        var known: [(person: UserID, template: [Float])] = []
        for id in 0..<5000 {
            known.append((crowd[id * id % 1500], generator.unitVector(16)))
            search.add(Int64(id), of: known[id].person, template: known[id].template)
        }
        let probes = (0..<20).map { _ in generator.unitVector(16) }
        // Alone a probe goes another way through the library.
        let alone = probes.map { search.nearest(to: [$0], count: 4)[0].map(\.id) }
        #expect(alone == search.nearest(to: probes, count: 4).map { $0.map(\.id) })
        for (probe, hits) in zip(probes, search.nearest(to: probes, count: 4)) {
            var best: [UserID: (id: Int, cosine: Float)] = [:]
            for (id, entry) in known.enumerated() {
                let cosine = zip(entry.template, probe).reduce(0) { $0 + $1.0 * $1.1 }
                if cosine > best[entry.person]?.cosine ?? -2 { best[entry.person] = (id, cosine) }
            }
            let next = best.sorted { $0.value.cosine > $1.value.cosine }.prefix(4)
            #expect(hits.map(\.person) == next.map(\.key))
            #expect(hits.map(\.id) == next.map { Int64($0.value.id) })
            #expect(zip(next, hits).allSatisfy { abs($0.value.cosine - $1.cosine) < 1e-5 })
        }
    }

    @Test func aPersonIsThereOnceByTheirNearest() {
        var search = ExactSearch(width: 2)
        search.add(1, of: people[0], template: [0.8, 0.6])
        search.add(2, of: people[1], template: [0, 1])
        search.add(3, of: people[0], template: [1, 0])
        #expect(search.nearest(to: [[1, 0]], count: 5)[0].map(\.id) == [3, 2])
        #expect(search.nearest(to: [[0, 1]], count: 5)[0].map(\.id) == [2, 1])
        #expect(search.nearest(to: [[1, 0]], count: 1)[0].map(\.id) == [3])
    }

    @Test func removingMovesTheLastIntoThePlace() {
        var search = ExactSearch(width: 2)
        for (id, template) in [[1, 0], [0, 1], [-1, 0] as [Float]].enumerated() {
            search.add(Int64(id), of: people[id], template: template)
        }
        search.remove(0)
        search.remove(0)
        #expect(search.count == 2)
        #expect(search.nearest(to: [[-1, 0], [0, 1]], count: 1).map { $0[0].id } == [2, 1])
        #expect(search.nearest(to: [[1, 0]], count: 2)[0].map(\.cosine) == [0, -1])
        search.remove(2)
        search.remove(1)
        #expect(search.nearest(to: [[1, 0]], count: 3) == [[]])
    }

    @Test func aTemplateAddedTwiceIsThereOnce() {
        var search = ExactSearch(width: 2)
        search.add(1, of: people[0], template: [1, 0])
        search.add(1, of: people[1], template: [0, 1])
        #expect(search.count == 1)
        #expect(search.nearest(to: [[0, 1]], count: 2)[0] == [.init(id: 1, person: people[1], cosine: 1)])
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
