internal import LinearAlgebra
package import Messages

/// The templates of one network version in one contiguous matrix, each of them compared with every probe.
///
/// A value without I/O, which knows of a template no more than its number and whose it is. Rows lie in no order; removing one
/// moves the last into its place.
package struct ExactSearch: Sendable {
    /// What is nearest to a probe.
    package struct Hit: Hashable, Sendable {
        package var id: Int64
        package var person: UserID
        package var cosine: Float
    }

    /// How wide a template is.
    package let width: Int
    private var ids: [Int64] = []
    private var people: [UserID] = []
    private var rows: [Int64: Int] = [:]
    private var templates: [Float] = []

    package init(width: Int) {
        self.width = width
    }

    package var count: Int { ids.count }

    /// A template by its number.
    package subscript(id: Int64) -> ArraySlice<Float>? {
        rows[id].map { templates[$0 * width..<($0 + 1) * width] }
    }

    /// Adds a person's template of unit length, or replaces the one of the same number.
    package mutating func add(_ id: Int64, of person: UserID, template: [Float]) {
        precondition(template.count == width, "a template of \(template.count) values in a search of \(width)")
        if let row = rows[id] {
            people[row] = person
            templates.replaceSubrange(row * width..<(row + 1) * width, with: template)
        } else {
            rows[id] = ids.count
            ids.append(id)
            people.append(person)
            templates.append(contentsOf: template)
        }
    }

    /// Forgets a template; does nothing when it is not here.
    package mutating func remove(_ id: Int64) {
        guard let row = rows.removeValue(forKey: id) else { return }
        let last = ids.count - 1
        if row != last {
            ids[row] = ids[last]
            people[row] = people[last]
            rows[ids[row]] = row
            templates.replaceSubrange(
                row * width..<(row + 1) * width, with: templates[last * width..<(last + 1) * width])
        }
        ids.removeLast()
        people.removeLast()
        templates.removeLast(width)
    }

    /// The nearest template of each of the people nearest to each probe (of unit length), the nearest first: `count` people, or
    /// as many as there are.
    package func nearest(to probes: [[Float]], count: Int) -> [[Hit]] {
        guard !ids.isEmpty, !probes.isEmpty else { return probes.map { _ in [] } }
        let flat = Array(probes.joined())
        precondition(flat.count == probes.count * width)
        var matches = probes.map { _ in TopMatches(places: count) }
        var cosines = [Float](repeating: 0, count: Self.block * probes.count)
        for start in stride(from: 0, to: ids.count, by: Self.block) {
            let length = min(Self.block, ids.count - start)
            templates.withUnsafeBufferPointer { templates in
                flat.withUnsafeBufferPointer { flat in
                    guard let probe = flat.baseAddress, let template = templates.baseAddress else { return }
                    if probes.count == 1 {
                        BLAS.multiply(template + start * width, rows: length, rank: width, by: probe, into: &cosines)
                    } else {
                        BLAS.multiply(
                            probe, rows: probes.count, by: template + start * width, columns: length, rank: width,
                            into: &cosines)
                    }
                }
            }
            for probe in probes.indices {
                for row in 0..<length where cosines[probe * length + row] > matches[probe].bar {
                    matches[probe].offer(
                        Hit(id: ids[start + row], person: people[start + row], cosine: cosines[probe * length + row]))
                }
            }
        }
        return matches.map(\.ranked)
    }

    /// Rows compared at a time, so that the products of many probes stay small.
    private static let block = 4096
}

/// The people most alike to a probe so far, best first, each by their best template; of two equal ones the earlier stays ahead.
private struct TopMatches {
    private(set) var ranked: [ExactSearch.Hit] = []
    private let places: Int
    /// What a cosine must exceed to be ranked.
    private(set) var bar = -Float.infinity

    init(places: Int) {
        self.places = places
    }

    mutating func offer(_ hit: ExactSearch.Hit) {
        if let own = ranked.firstIndex(where: { $0.person == hit.person }) {
            guard hit.cosine > ranked[own].cosine else { return }
            ranked.remove(at: own)
        }
        ranked.insert(hit, at: ranked.firstIndex { $0.cosine < hit.cosine } ?? ranked.count)
        if ranked.count > places { ranked.removeLast() }
        if ranked.count == places { bar = ranked[places - 1].cosine }
    }
}
