import Foundation
import Messages
import Synchronization
import Testing

@testable import FaceSearch

@Suite(.timeLimit(.minutes(5)))
struct FaceIndexTests {
    @Test func whatIsRemovedIsNotFoundAndTheRestIs() {
        var faces = Faces(seed: 1, width: 16)
        for _ in 0..<5000 { faces.add(faces.generator.unitVector(16)) }
        var index = faces.index
        for round in 0..<6 {
            let gone = Set(faces.rows.filter { $0.face.id % 7 == round }.map(\.face.id) + [-1, 99_999])
            index.remove(gone)
            faces.rows.removeAll { gone.contains($0.face.id) }
            #expect(index.count == faces.rows.count)
            let probe = faces.generator.unitVector(16)
            #expect(found(probe, in: index, people: 8).map(\.face) == faces.best(for: probe, people: 8).map(\.face))
        }
        // Chunks that have become small have joined.
        #expect(index.parts.count <= 3)
        index.remove(Set(faces.rows.map(\.face.id)))
        #expect(index.count == 0)
        #expect(found(faces.generator.unitVector(16), in: index, people: 2).isEmpty)
        #expect(index.parts.isEmpty)
    }

    @Test func aTemplateOfTheSameIDTakesTheOthersPlace() {
        var index = FaceIndex(width: 2)
        let (one, other) = (UserID.random(), UserID.random())
        index.insert(KnownFace(id: 1, person: one), template: [1, 0])
        index.insert(KnownFace(id: 1, person: other), template: [0, 1])
        #expect(index.count == 1)
        #expect(index.template(of: 1) == [0, 1])
        #expect(index.template(of: 2) == nil)
        #expect(found([0, 1], in: index, people: 2).map(\.face.person) == [other])
    }

    @Test func aCopyStaysAsItIs() {
        var faces = Faces(seed: 2, width: 16)
        for _ in 0..<1500 { faces.add(faces.generator.unitVector(16)) }
        let probe = faces.generator.unitVector(16)
        var one = faces.index
        let copy = one
        var other = one
        let known = faces.best(for: probe, people: 6)
        // Both go on from the same rows.
        let (near, nearer) = (faces.generator.near(probe, cosine: 0.95), faces.generator.near(probe, cosine: 0.98))
        one.insert(KnownFace(id: 9001, person: .random()), template: near)
        other.insert(KnownFace(id: 9002, person: .random()), template: nearer)
        other.remove([known[0].face.id])
        #expect(found(probe, in: copy, people: 6).map(\.face) == known.map(\.face))
        #expect(found(probe, in: one, people: 6).map(\.face.id) == [9001] + known.prefix(5).map(\.face.id))
        #expect(found(probe, in: other, people: 6).map(\.face.id) == [9002] + known.dropFirst().map(\.face.id))
        #expect(one.count == 1501 && copy.count == 1500 && other.count == 1500)
    }

    @Test func onlyVectorsOfUnitLengthAreAccepted() {
        let index = FaceIndex(width: 2)
        #expect(index.accepts([0.6, 0.8]))
        for unfit in [[], [1], [1, 0, 0], [0, 0], [1, 1], [.nan, 1], [.infinity, 0]] as [[Float]] {
            #expect(!index.accepts(unfit), "\(unfit)")
        }
    }

    /// Searchers find, among faces that nobody touches, what they always do, while others come and go.
    @Test func searchesGoOnWhileFacesComeAndGo() async {
        var faces = Faces(seed: 3, width: 32)
        for _ in 0..<2100 { faces.add(faces.generator.unitVector(32)) }
        let probes = (0..<8).map { faces.generator.near(faces.rows[$0 * 200].template, cosine: 0.9) }
        let expected = probes.map { faces.best(for: $0, people: 1)[0].face.id }
        let shared = Shared(faces.index)
        await withTaskGroup(of: Bool.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    var generator = SplitMix(state: UInt64(100 + writer))
                    for round in 0..<400 {
                        let id = Int64(10_000 + 1000 * writer + round)
                        // Far from every probe.
                        let stranger = generator.near(probes[0].map { -$0 }, cosine: 0.9)
                        shared.index.withLock { $0.insert(KnownFace(id: id, person: .random()), template: stranger) }
                        if round >= 20 { shared.index.withLock { $0.remove([id - 20]) } }
                    }
                    shared.writers.wrappingSubtract(1, ordering: .relaxed)
                    return true
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    var isRight = true
                    repeat {
                        var search = FaceSearch(for: probes, people: 1)
                        search.run(in: shared.index.withLock { $0 })
                        isRight = isRight && search.matches.map { $0[0].face.id } == expected
                    } while shared.writers.load(ordering: .relaxed) > 0
                    return isRight
                }
            }
            for await isRight in group { #expect(isRight) }
        }
        #expect(shared.index.withLock { $0.count } == 2100 + 2 * 20)
    }

    /// The figure of the documentation: 5 bytes a value and 48 a template, no more while it grows, and given back.
    @Test func memoryIsWhatIsStated() throws {
        var generator = SplitMix(state: 4)
        let templates = (0..<64).map { _ in generator.unitVector(512) }
        let before = try residentBytes()
        var index = FaceIndex(width: 512)
        let count = 100_000
        var peak = 0
        for id in 0..<count {
            index.insert(KnownFace(id: Int64(id), person: UserID(UUID())), template: templates[id % 64])
            if id % 1000 == 999 { peak = max(peak, try residentBytes() - before) }
        }
        let stated = count * (5 * 512 + 48)
        #expect(peak > stated * 8 / 10)
        #expect(peak < stated * 11 / 10)
        index = FaceIndex(width: 512)
        #expect(try residentBytes() - before < stated / 2)
    }

    private func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return try #require(Int(text.split(separator: " ")[1])) * 4096
    }
}

private final class Shared: Sendable {
    let index: Mutex<FaceIndex>
    /// Those that have not finished.
    let writers = Atomic(2)

    init(_ index: FaceIndex) {
        self.index = Mutex(index)
    }
}
