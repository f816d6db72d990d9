internal import CFaceSearch

/// The templates of everybody known, in memory, to be searched exactly: `FaceSearch` does.
///
/// A value. A copy costs nothing and stays as it is: whoever searches one keeps nobody from writing another. Only what was removed
/// is freed when the last copy that has it is gone.
///
/// Templates lie in chunks of 1024 as float32, by which they are compared in the end, and as bytes, by which most are ruled out:
/// 5 bytes a value and 48 a template, 2.6 GB for a million of 512 values. Nothing is ever moved to a larger place.
package struct FaceIndex: Sendable {
    /// What an index and its copies have in common: arrivals in them are the same.
    final class Lineage: Sendable {}

    /// The first rows of a chunk.
    struct Part {
        let chunk: Chunk
        var count: Int
        /// Bounds of the templates' ids.
        var ids: ClosedRange<Int64>

        /// In the order of their arrival.
        var rows: Range<Int> { 0..<count }

        /// The first row that arrived then or after.
        func firstRow(from arrival: Int) -> Int { rows.first { chunk.arrival($0) >= arrival } ?? count }
    }

    /// How wide a template is, 1...2048.
    package let width: Int
    /// How many templates there are.
    package private(set) var count = 0

    private(set) var parts: [Part] = []
    /// How many templates were ever added.
    private(set) var arrivals = 0
    let lineage = Lineage()
    private var highest = Int64.min

    package init(width: Int) {
        precondition(1...2048 ~= width, "templates of \(width) values")
        self.width = width
    }

    /// Whether a template can be compared: it is as wide as the others, finite, and of unit length to one per cent.
    package func accepts(_ template: [Float]) -> Bool {
        guard template.count == width else { return false }
        let square = template.reduce(0) { $0 + Double($1) * Double($1) }
        return abs(square - 1) < 0.02
    }

    /// Adds a template that the index accepts, in place of one of the same id.
    package mutating func insert(_ face: KnownFace, template: [Float]) {
        precondition(accepts(template), "not a template of \(width) values")
        if face.id <= highest { remove([face.id]) }
        highest = max(highest, face.id)
        template.withUnsafeBufferPointer { append(face, template: $0, arrival: arrivals) }
        arrivals += 1
    }

    /// Forgets templates; those that are not here are passed over.
    package mutating func remove(_ ids: Set<Int64>) {
        for number in parts.indices.reversed() where ids.contains(where: parts[number].ids.contains) {
            let part = parts[number]
            let kept = part.rows.filter { !ids.contains(part.chunk.face($0).id) }
            guard kept.count < part.count else { continue }
            count -= part.count - kept.count
            // Rows never move within a chunk, which others may be reading; neighbours that have become small share a new one.
            var rows = kept.map { (part.chunk, $0) }
            var range = number..<number + 1
            if number > 0, rows.count + parts[number - 1].count <= Chunk.capacity / 2 {
                rows = parts[number - 1].rows.map { (parts[number - 1].chunk, $0) } + rows
                range = number - 1..<number + 1
            }
            parts.replaceSubrange(range, with: Part(copying: rows, width: padded).map { [$0] } ?? [])
        }
    }

    /// The template of that id, if it is here.
    package func template(of id: Int64) -> [Float]? {
        guard let (chunk, row) = find(id) else { return nil }
        return Array(UnsafeBufferPointer(start: chunk.template(row), count: width))
    }

    /// Whether a match is still here as it was.
    func contains(_ match: Match) -> Bool {
        guard let (chunk, row) = find(match.face.id) else { return false }
        return chunk.arrival(row) == match.arrival
    }

    /// The first part with a row that arrived then or after.
    func firstPart(with arrival: Int) -> Int {
        (parts.lastIndex { $0.chunk.arrival($0.count - 1) < arrival } ?? -1) + 1
    }

    /// A template's width in memory.
    var padded: Int { Self.padded(width) }

    static func padded(_ width: Int) -> Int {
        let step = Int(FACES_STEP)
        return (width + step - 1) / step * step
    }

    private func find(_ id: Int64) -> (chunk: Chunk, row: Int)? {
        for part in parts where part.ids.contains(id) {
            if let row = part.rows.first(where: { part.chunk.face($0).id == id }) { return (part.chunk, row) }
        }
        return nil
    }

    private mutating func append(_ face: KnownFace, template: UnsafeBufferPointer<Float>, arrival: Int) {
        defer { count += 1 }
        if let last = parts.indices.last, parts[last].count < Chunk.capacity {
            // Where another copy of this index has written on, this one goes on elsewhere.
            if parts[last].append(face, template: template, arrival: arrival) { return }
            let rows = parts[last].rows.map { (parts[last].chunk, $0) }
            if let copy = Part(copying: rows, width: padded) { parts[last] = copy }
            _ = parts[last].append(face, template: template, arrival: arrival)
        } else {
            parts.append(Part(face, template: template, arrival: arrival, width: padded))
        }
    }
}

extension FaceIndex.Part {
    /// A chunk of one row.
    fileprivate init(_ face: KnownFace, template: UnsafeBufferPointer<Float>, arrival: Int, width: Int) {
        self.init(chunk: Chunk(width: width), count: 0, ids: face.id...face.id)
        _ = append(face, template: template, arrival: arrival)
    }

    /// A chunk of copies of these rows; `nil` where there are none.
    fileprivate init?(copying rows: [(chunk: Chunk, row: Int)], width: Int) {
        guard let (chunk, row) = rows.first else { return nil }
        self.init(chunk: Chunk(width: width), count: 0, ids: chunk.face(row).id...chunk.face(row).id)
        for (chunk, row) in rows {
            let template = UnsafeBufferPointer(start: chunk.template(row), count: width)
            _ = append(chunk.face(row), template: template, arrival: chunk.arrival(row))
        }
    }

    /// Adds a row, unless another index has.
    fileprivate mutating func append(
        _ face: KnownFace, template: UnsafeBufferPointer<Float>, arrival: Int
    ) -> Bool {
        guard chunk.append(face, template: template, arrival: arrival, after: count) else { return false }
        count += 1
        ids = min(ids.lowerBound, face.id)...max(ids.upperBound, face.id)
        return true
    }
}
