internal import LinearAlgebra
package import ModelManifest

/// Faces of nobody in particular, by which the distance between two faces is normalised.
///
/// To a network some faces lie closer together than others: old ones, or those of a group its training knew little of.
/// There the same distance says less. How alike a face is to the nearest of a fixed cohort measures that, so that one threshold
/// protects everybody alike (after the cohort normalisation of speaker verification: Auckenthaler, Carey and Lloyd-Thomas
/// 2000, "Score normalization for text-independent speaker verification systems").
package struct Cohort: Sendable {
    private let file: CohortFile
    private let members: [Float]
    private let width: Int

    /// Reads the members and checks them against the manifest; `width` is that of the network's vectors.
    package init(_ file: CohortFile, of manifest: ModelManifest, width: Int) throws(ModelManifestError) {
        let members = try manifest.numbers(in: file.members)
        guard members.count % width == 0, members.count / width >= file.nearest else {
            throw .unfit(
                file: manifest.path(of: file.members),
                reason: "\(4 * members.count) bytes, not \(file.nearest) or more vectors of \(width) float32")
        }
        self.init(file, members: members, width: width)
    }

    init(_ file: CohortFile, members: [Float], width: Int) {
        self.file = file
        self.members = members
        self.width = width
    }

    /// How far the scores of both templates (of unit length) are above the usual, weighted; below 0 where they are less.
    package func score(of template: [Float], and other: [Float]) -> Float {
        file.weight * (score(of: template) + score(of: other) - 2 * file.usual)
    }

    /// A template's cohort score: the mean of its cosines (at unit length) to the members most alike.
    func score(of template: [Float]) -> Float {
        precondition(template.count == width, "a template of \(template.count) values for a cohort of \(width)")
        var cosines = [Float](repeating: 0, count: members.count / width)
        BLAS.multiply(members, rows: cosines.count, rank: width, by: template, into: &cosines)
        return cosines.sorted(by: >).prefix(file.nearest).reduce(0, +) / Float(file.nearest)
    }
}
