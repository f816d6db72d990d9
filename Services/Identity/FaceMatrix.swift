internal import LinearAlgebra
internal import Messages

/// A face somebody was enrolled with.
struct EnrolledFace: Hashable, Sendable {
    /// The store's number for it.
    var face: Int64
    var user: UserID
    /// The job that enrolled it.
    var job: JobID
    /// How far the nearest user was then; `nil` when there was none.
    var distance: Float?
}

/// The nearest known face.
struct Nearest: Hashable, Sendable {
    var user: UserID
    /// Cosine distance, 0...2.
    var distance: Float
}

/// Templates of one network version, one a row, and whose they are. Search is exact.
///
/// Rows lie without gaps in one float32 array: a face that is removed leaves its row to the last one.
struct FaceMatrix: Sendable {
    /// The width of a template.
    let width: Int
    private var values: [Float] = []
    private var faces: [EnrolledFace] = []
    private var rows: [Int64: Int] = [:]
    private var jobs: [JobID: Int64] = [:]

    /// How many rows one product takes at a time: bounds the memory for its results.
    private static let panel = 4096

    init(width: Int) {
        self.width = width
    }

    /// How many faces there are.
    var count: Int { faces.count }

    /// The face that a job enrolled.
    func face(enrolledBy job: JobID) -> EnrolledFace? {
        jobs[job].flatMap { rows[$0] }.map { faces[$0] }
    }

    /// Adds a face; one that is there already stays as it is.
    mutating func insert(_ face: EnrolledFace, template: some Collection<Float>) {
        precondition(template.count == width, "a template is \(width) wide")
        guard rows[face.face] == nil else { return }
        rows[face.face] = faces.count
        jobs[face.job] = face.face
        faces.append(face)
        values.append(contentsOf: template)
    }

    /// Removes a face, if it is there.
    mutating func remove(face: Int64) {
        guard let row = rows.removeValue(forKey: face) else { return }
        jobs[faces[row].job] = nil
        let last = faces.count - 1
        if row != last {
            faces[row] = faces[last]
            rows[faces[row].face] = row
            for column in 0..<width { values[row * width + column] = values[last * width + column] }
        }
        faces.removeLast()
        values.removeLast(width)
    }

    /// The nearest face to each of some unit vectors; `nil` where there are no faces. Of equals, the oldest.
    func nearest(to queries: [[Float]]) -> [Nearest?] {
        precondition(queries.allSatisfy { $0.count == width }, "a template is \(width) wide")
        guard !faces.isEmpty, !queries.isEmpty else { return queries.map { _ in nil } }
        let stacked = Array(queries.joined())
        var best = [(cosine: Float, row: Int)](repeating: (-.infinity, 0), count: queries.count)
        var products = [Float](repeating: 0, count: min(Self.panel, count) * queries.count)
        values.withUnsafeBufferPointer { matrix in
            guard let start = matrix.baseAddress else { return }
            for first in stride(from: 0, to: count, by: Self.panel) {
                let rows = min(Self.panel, count - first)
                if queries.count == 1 {
                    Dense.multiply(start + first * width, rows: rows, width: width, byVector: stacked, into: &products)
                } else {
                    Dense.multiply(
                        start + first * width, rows: rows, byTransposed: stacked, columns: queries.count, width: width,
                        into: &products)
                }
                for row in 0..<rows {
                    for query in queries.indices {
                        let cosine = products[row * queries.count + query]
                        if cosine > best[query].cosine
                            || cosine == best[query].cosine && faces[first + row].face < faces[best[query].row].face
                        {
                            best[query] = (cosine, first + row)
                        }
                    }
                }
            }
        }
        return best.map { Nearest(user: faces[$0.row].user, distance: min(max(1 - $0.cosine, 0), 2)) }
    }
}
