import CFaceSearch
import Messages
import Processor
import Testing

@testable import FaceSearch

/// Against a search that compares every template in float64.
@Suite(.timeLimit(.minutes(5)))
struct FaceSearchTests {
    static let available = ByteProducts.allCases.filter(\.isAvailable)

    @Test(arguments: available) func randomFacesAreFoundAsByComparingAll(_ instructions: ByteProducts) {
        var faces = Faces(seed: 1, width: 64)
        for _ in 0..<3000 { faces.add(faces.generator.unitVector(64)) }
        let probes = (0..<70).map { _ in faces.generator.unitVector(64) }
        faces.expectAsByComparingAll(probes, people: 5, instructions)
    }

    /// As people's templates lie: several a person close together, people in groups, one part of a vector longer than the other.
    @Test(arguments: available) func clusteredFacesAreFoundAsByComparingAll(_ instructions: ByteProducts) {
        var faces = Faces(seed: 2, width: 512)
        let groups = (0..<20).map { _ in faces.generator.unitVector(512, firstQuarter: 2.4) }
        var people: [[Float]] = []
        for number in 0..<1500 {
            let person = faces.generator.near(groups[number % 20], cosine: 0.6)
            people.append(person)
            let id = UserID.random()
            for _ in 0...number % 4 { faces.add(faces.generator.near(person, cosine: 0.8), person: id) }
        }
        let probes = (0..<40).map { faces.generator.near(people[$0 * 7], cosine: 0.7) }
        faces.expectAsByComparingAll(probes, people: 5, instructions)
        faces.expectAsByComparingAll(probes, people: 1, instructions)
    }

    /// Eighths and their sums are exact, so that equal cosines are equal to the last bit whichever values make them.
    @Test(arguments: available) func ofEqualCosinesTheOlderTemplateComesFirst(_ instructions: ByteProducts) {
        var faces = Faces(seed: 3, width: 64)
        for _ in 0..<2000 { faces.add(faces.generator.eighths(64)) }
        let person = UserID.random()
        for _ in 0..<40 { faces.add(faces.rows[7].template, person: person) }
        // Ids in no order.
        faces.rows.shuffle(using: &faces.generator)
        faces.expectAsByComparingAll((0..<33).map { _ in faces.generator.eighths(64) }, people: 9, instructions)
        faces.expectAsByComparingAll([faces.rows[7].template], people: 50, instructions)
    }

    /// Vectors that bytes hold badly: one great value among small ones, two great ones, equal ones, values at half a level, and
    /// ones that differ by less than a level.
    @Test(arguments: available) func vectorsThatSpoilTheLevelsAreFoundAsByComparingAll(_ instructions: ByteProducts) {
        var faces = Faces(seed: 4, width: 512)
        for _ in 0..<2 { for vector in faces.generator.spoilers(512) { faces.add(vector) } }
        let one = faces.generator.unitVector(512)
        for step in 0..<300 {
            var vector = one
            vector[step] += 1e-6 * Float(step)
            faces.add(vector)
        }
        faces.expectAsByComparingAll([one] + faces.generator.spoilers(512), people: 6, instructions)
    }

    @Test(arguments: available) func noBoundIsBelowItsCosine(_ instructions: ByteProducts) {
        var generator = SplitMix(state: 5)
        for width in [16, 64, 512, 2048] {
            let vectors = generator.spoilers(width) + (0..<8).map { _ in generator.unitVector(width) }
            let templates = (0..<(vectors.count * 2 / 16 * 16)).map { vectors[$0 % vectors.count] }
            let low = bounds(of: templates, probes: vectors, instructions).filter { row, probe, bound in
                Double(bound) < product(templates[row], vectors[probe])
            }
            #expect(low.isEmpty, "width \(width)")
        }
    }

    /// Every sum within 16 bits at its limit: all products of one sign.
    @Test(arguments: available) func theProductsOfLevelsAreExactWhateverTheyAre(_ instructions: ByteProducts) {
        var generator = SplitMix(state: 6)
        let vectors = generator.spoilers(512)
        let templates = (0..<(vectors.count / 16 * 16)).map { vectors[$0] }
        let all = bounds(of: templates, probes: vectors, instructions).map(\.bound)
        let portable = bounds(of: templates, probes: vectors, .portable).map(\.bound)
        #expect(all.count == templates.count * vectors.count)
        // A sum that overflowed is wrong by 65,536 levels; rounding differs with the processor by some units in the last place.
        #expect(zip(all, portable).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func widthsThatAreNoMultipleOfAPanelsAreFilledUp() {
        for width in [1, 2, 15, 17, 100] {
            var faces = Faces(seed: UInt64(width), width: width)
            for _ in 0..<100 { faces.add(faces.generator.unitVector(width)) }
            faces.expectAsByComparingAll((0..<5).map { _ in faces.generator.unitVector(width) }, people: 3, .best)
        }
    }

    @Test func aPersonCountsOnceHoweverManyTemplatesTheyHave() {
        var index = FaceIndex(width: 2)
        let (one, other) = (UserID.random(), UserID.random())
        index.insert(KnownFace(id: 1, person: one), template: [1, 0])
        index.insert(KnownFace(id: 2, person: one), template: [0.8, 0.6])
        index.insert(KnownFace(id: 3, person: other), template: [0, 1])
        let matches = found([0.6, 0.8], in: index, people: 3)
        #expect(matches.map(\.face.id) == [2, 3])
        #expect(matches.map(\.face.person) == [one, other])
    }

    @Test func aSearchThatGoesOnFindsWhatOneFromTheStartDoes() {
        var faces = Faces(seed: 8, width: 32)
        for _ in 0..<2500 { faces.add(faces.generator.unitVector(32)) }
        var index = faces.index
        let probes = (0..<40).map { _ in faces.generator.unitVector(32) }
        var search = FaceSearch(for: probes, people: 4)
        search.run(in: index)
        for round in 0..<30 {
            // Matches, others, and such as came in the round before.
            let gone = Set(
                [
                    search.matches[round][round % 4].face.id, faces.rows[round * 3].face.id,
                    faces.rows[faces.rows.count - 1].face.id,
                ])
            if round % 3 > 0 {
                index.remove(gone)
                faces.rows.removeAll { gone.contains($0.face.id) }
            }
            for _ in 0..<round * 5 {
                faces.add(faces.generator.near(probes[round], cosine: 0.5), in: &index)
            }
            var alone = search.only(39 - round)
            alone.run(in: index)
            #expect(alone.matches[0].map(\.face) == faces.best(for: probes[39 - round], people: 4).map(\.face))
            search.run(in: index)
            #expect(search.matches.map { $0.map(\.face) } == probes.map { faces.best(for: $0, people: 4).map(\.face) })
        }
    }

    @Test func aSearchGoesOnInAnotherIndexFromTheStart() {
        var one = FaceIndex(width: 2)
        one.insert(KnownFace(id: 1, person: .random()), template: [1, 0])
        var search = FaceSearch(for: [[1, 0]], people: 2)
        search.run(in: one)
        var other = FaceIndex(width: 2)
        other.insert(KnownFace(id: 2, person: .random()), template: [0, 1])
        search.run(in: other)
        #expect(search.matches[0].map(\.face.id) == [2])
    }

    /// Bounds of all templates, a multiple of sixteen, to all probes.
    private func bounds(
        of templates: [[Float]], probes: [[Float]], _ instructions: ByteProducts
    ) -> [(row: Int, probe: Int, bound: Float)] {
        let chunk = Chunk(width: templates[0].count)
        for (row, template) in templates.enumerated() {
            let face = KnownFace(id: Int64(row), person: .random())
            #expect(template.withUnsafeBufferPointer { chunk.append(face, template: $0, arrival: row, after: row) })
        }
        return stride(from: 0, to: probes.count, by: PackedProbes.limit).flatMap { start in
            let packed = PackedProbes(
                probes[start..<min(probes.count, start + PackedProbes.limit)], width: templates[0].count)
            var found = [faces_candidate](repeating: faces_candidate(), count: templates.count * packed.count)
            let bars = [Float](repeating: -.infinity, count: packed.count)
            let count = withUnsafePointer(to: chunk.panels) { panels in
                withUnsafePointer(to: packed.levels) { probes in
                    faces_scan(instructions.kernel, panels, 0, templates.count / 16, probes, bars, &found)
                }
            }
            return found.prefix(count).map { (Int($0.row), start + Int($0.probe), $0.bound) }
        }
    }
}

func found(_ probe: [Float], in index: FaceIndex, people: Int) -> [Match] {
    var search = FaceSearch(for: [probe], people: people)
    search.run(in: index)
    return search.matches[0]
}
