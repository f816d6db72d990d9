internal import LinearAlgebra
package import Messages

/// The known faces of one network version, in memory: a contiguous matrix that is searched exactly.
///
/// A value without I/O. Rows lie in no order; removing one moves the last into its place.
package struct Gallery: Sendable {
    /// One enrolled face.
    package struct Face: Hashable, Sendable {
        package var id: Int64
        package var user: UserID
        /// The job that enrolled it.
        package var job: JobID
        /// The distance to the nearest face at its enrolment, as it was decided by; `nil` for the first of all.
        package var distance: Float?
    }

    /// The face nearest to a template, and how near the others come.
    package struct Neighbour: Hashable, Sendable {
        package var face: Face
        /// The face's template.
        package var template: [Float]
        /// Cosine distance, 0...2.
        package var distance: Float
        /// The cosines of the faces that come next, the most alike first. Every user has one face, so they are other people's.
        package var impostors: [Float]
    }

    /// How wide a template is.
    package let width: Int
    private var faces: [Face] = []
    private var rows: [Int64: Int] = [:]
    private var templates: [Float] = []

    package init(width: Int) {
        self.width = width
    }

    package var count: Int { faces.count }

    /// Adds a face with its template of unit length, or replaces the one of the same id.
    package mutating func add(_ face: Face, template: [Float]) {
        precondition(template.count == width, "a template of \(template.count) values in a gallery of \(width)")
        if let row = rows[face.id] {
            faces[row] = face
            templates.replaceSubrange(row * width..<(row + 1) * width, with: template)
        } else {
            rows[face.id] = faces.count
            faces.append(face)
            templates.append(contentsOf: template)
        }
    }

    /// Forgets a face; does nothing when it is not here.
    package mutating func remove(_ id: Int64) {
        guard let row = rows.removeValue(forKey: id) else { return }
        let last = faces.count - 1
        if row != last {
            faces[row] = faces[last]
            rows[faces[row].id] = row
            templates.replaceSubrange(
                row * width..<(row + 1) * width, with: templates[last * width..<(last + 1) * width])
        }
        faces.removeLast()
        templates.removeLast(width)
    }

    /// The nearest face to each template (of unit length), by comparing it with every face, and as many that come next; `nil`
    /// in an empty gallery.
    package func nearest(to probes: [[Float]], impostors: Int = 0) -> [Neighbour?] {
        guard !faces.isEmpty, !probes.isEmpty else { return probes.map { _ in nil } }
        let flat = Array(probes.joined())
        precondition(flat.count == probes.count * width)
        var matches = probes.map { _ in TopMatches(places: 1 + impostors) }
        var cosines = [Float](repeating: 0, count: Self.block * probes.count)
        for start in stride(from: 0, to: faces.count, by: Self.block) {
            let length = min(Self.block, faces.count - start)
            templates.withUnsafeBufferPointer { templates in
                flat.withUnsafeBufferPointer { flat in
                    guard let probe = flat.baseAddress, let face = templates.baseAddress else { return }
                    if probes.count == 1 {
                        BLAS.multiply(face + start * width, rows: length, rank: width, by: probe, into: &cosines)
                    } else {
                        BLAS.multiply(
                            probe, rows: probes.count, by: face + start * width, columns: length, rank: width,
                            into: &cosines)
                    }
                }
            }
            for probe in probes.indices {
                for row in 0..<length {
                    matches[probe].offer(row: start + row, cosine: cosines[probe * length + row])
                }
            }
        }
        return matches.map { match in
            let (row, cosine) = match.ranked[0]
            return Neighbour(
                face: faces[row], template: Array(templates[row * width..<(row + 1) * width]),
                distance: max(0, 1 - cosine), impostors: match.ranked.dropFirst().map(\.cosine))
        }
    }

    /// Rows compared at a time, so that the products of many probes stay small.
    private static let block = 4096
}

/// The rows most alike to a probe so far, best first; of two equal ones the earlier stays ahead.
private struct TopMatches {
    private(set) var ranked: [(row: Int, cosine: Float)] = []
    private let places: Int
    /// What a cosine must exceed to be ranked.
    private var bar = -Float.infinity

    init(places: Int) {
        self.places = places
    }

    mutating func offer(row: Int, cosine: Float) {
        guard cosine > bar else { return }
        ranked.insert((row, cosine), at: ranked.firstIndex { $0.cosine < cosine } ?? ranked.count)
        if ranked.count > places { ranked.removeLast() }
        if ranked.count == places { bar = ranked[places - 1].cosine }
    }
}
