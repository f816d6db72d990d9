import CFaceSearch
import Dispatch
package import Processor
import Synchronization

/// A search for the people most alike to each of several probes, which can go on where it was when more templates have come.
///
/// It finds exactly what comparing every template in float64 would: of each person the best template, the people in the order of
/// `Match`, ties included. Most templates are ruled out by a bound on their cosine, from products of bytes.
///
/// The bound: let x be a template and y a probe, and x̂ = s·q and ŷ = t·r their vectors of whole levels q and r, each times a scale.
/// Then
///
///     x·y = x̂·ŷ + x̂·(y - ŷ) + (x - x̂)·y ≤ s·t·(q·r) + |x̂|·|y - ŷ| + |x - x̂|·|y|
///
/// by Cauchy and Schwarz. The product q·r of whole numbers is exact: a row's levels are so scaled that no sum within 16 bits passes
/// their limits, on any processor. The lengths are those of the very vectors, rounded up, and |x - x̂| is enlarged by more than the
/// rounding of the bound itself, in float32, and of the cosine, in float64, can amount to (see `pack.c`). A template whose bound is
/// below the cosine of the last place is not among the best, and every other is compared in float64: a vector that spoils the
/// levels makes the search slow and never wrong.
package struct FaceSearch: Sendable {
    private struct Group {
        let probes: PackedProbes
        var best: [BestPeople]
    }

    private let probes: [[Float]]
    private let people: Int
    private let instructions: ByteProducts
    private var groups: [Group] = []
    private var lineage: FaceIndex.Lineage?
    /// The first arrival that was not looked at.
    private var next = 0

    /// Looks for so many people, at least one, for every probe; each must be one that the index accepts.
    package init(for probes: [[Float]], people: Int, instructions: ByteProducts = .best) {
        self.probes = probes
        self.people = people
        self.instructions = instructions
    }

    /// What was found for each probe, the most alike first: as many people as were asked for, unless there are fewer.
    package var matches: [[Match]] { groups.flatMap { $0.best.map(\.matches) } }

    /// The search of one of the probes alone, as far as it has come.
    package func only(_ probe: Int) -> Self {
        var search = Self(for: [probes[probe]], people: people, instructions: instructions)
        if lineage != nil {
            let (group, place) = probe.quotientAndRemainder(dividingBy: PackedProbes.limit)
            let packed = PackedProbes([probes[probe]], width: groups[group].probes.width)
            search.groups = [Group(probes: packed, best: [groups[group].best[place]])]
            search.lineage = lineage
            search.next = next
        }
        return search
    }

    /// Makes the matches those in this index. What was found in an earlier copy of it holds for all that was there then, unless a
    /// match has been removed since; then that is begun anew. It computes for milliseconds a million templates and probe, on so
    /// many threads.
    package mutating func run(in index: FaceIndex, threads: Int = 1) {
        if lineage !== index.lineage || index.arrivals < next {
            groups = stride(from: 0, to: probes.count, by: PackedProbes.limit).map { start in
                let probes = probes[start..<min(start + PackedProbes.limit, probes.count)]
                precondition(probes.allSatisfy(index.accepts), "a probe that is no template of \(index.width) values")
                return Group(
                    probes: PackedProbes(probes, width: index.padded),
                    best: probes.map { _ in BestPeople(places: people) })
            }
            lineage = index.lineage
            next = 0
        }
        for number in groups.indices {
            var first = next
            if !groups[number].best.allSatisfy({ $0.matches.allSatisfy(index.contains) }) {
                groups[number].best = groups[number].best.map { _ in BestPeople(places: people) }
                first = 0
            }
            guard first < index.arrivals else { continue }
            let parts = index.parts.suffix(from: index.firstPart(with: first))
            compare(number, with: parts, from: first, threads: threads)
        }
        next = index.arrivals
    }

    /// Offers a group's probes every row of the parts that arrived at `first` or after.
    private mutating func compare(
        _ number: Int, with parts: ArraySlice<FaceIndex.Part>, from first: Int, threads: Int
    ) {
        let (probes, best, instructions) = (groups[number].probes, groups[number].best, instructions)
        let share = (parts.count + threads - 1) / threads
        let found = Mutex(best)
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            var comparison = Comparison(probes, best: best, instructions)
            for part in parts.dropFirst(thread * share).prefix(share) {
                comparison.offer(part.chunk, rows: part.firstRow(from: first)..<part.count)
            }
            let own = comparison.best
            found.withLock { found in
                for (probe, best) in own.enumerated() { best.matches.forEach { found[probe].offer($0) } }
            }
        }
        groups[number].best = found.withLock { $0 }
    }
}

/// Compares probes with rows, and keeps the best.
private struct Comparison: ~Copyable {
    private(set) var best: [BestPeople]
    private let probes: PackedProbes
    private let kernel: ByteProducts
    /// The bars of `best` in float32, rounded down.
    private var bars: [Float]
    private let found: UnsafeMutablePointer<faces_candidate>

    /// How many panels are scanned before the bars are raised.
    private static let stretch = 16

    init(_ probes: PackedProbes, best: [BestPeople], _ kernel: ByteProducts) {
        self.probes = probes
        self.best = best
        self.kernel = kernel
        bars = best.map { Self.below($0.bar) }
        found = .allocate(capacity: Self.stretch * Int(FACES_PANEL) * probes.count)
    }

    deinit {
        found.deallocate()
    }

    /// Whole panels by their bounds first; the rows behind the last of them at once.
    mutating func offer(_ chunk: Chunk, rows: Range<Int>) {
        let panel = Int(FACES_PANEL)
        let whole = rows.upperBound / panel
        for start in stride(from: rows.lowerBound / panel, to: whole, by: Self.stretch) {
            let count = withUnsafePointer(to: chunk.panels) { panels in
                withUnsafePointer(to: probes.levels) { probes in
                    faces_scan(kernel.kernel, panels, start, min(start + Self.stretch, whole), probes, bars, found)
                }
            }
            for candidate in UnsafeBufferPointer(start: found, count: count) {
                guard candidate.bound >= bars[Int(candidate.probe)], rows.contains(Int(candidate.row)) else { continue }
                offer(chunk, row: Int(candidate.row), to: Int(candidate.probe))
            }
        }
        for row in max(rows.lowerBound, whole * panel)..<rows.upperBound {
            for probe in 0..<probes.count { offer(chunk, row: row, to: probe) }
        }
    }

    private mutating func offer(_ chunk: Chunk, row: Int, to probe: Int) {
        let cosine = faces_product(kernel.kernel, chunk.template(row), probes.vector(probe), chunk.width)
        guard cosine >= best[probe].bar else { return }
        best[probe].offer(Match(face: chunk.face(row), cosine: cosine, arrival: chunk.arrival(row)))
        bars[probe] = Self.below(best[probe].bar)
    }

    private static func below(_ bar: Double) -> Float {
        let rounded = Float(bar)
        return Double(rounded) > bar ? rounded.nextDown : rounded
    }
}
