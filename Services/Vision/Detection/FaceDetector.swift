/// Finds faces and their landmarks: MTCNN (Zhang et al. 2016) with the cascade of facenet-pytorch.
///
/// P-Net slides over the picture at many scales and proposes boxes, R-Net refines them, O-Net decides and marks five
/// points. Owns its memory: one picture at a time.
final class FaceDetector {
    private let proposal: ProposalStage
    private let refinement: CropStage
    private let output: CropStage
    private var areas = SummedAreas()

    /// The least probability of a face, by stage.
    private static let thresholds: (proposal: Float, refinement: Float, output: Float) = (0.6, 0.7, 0.7)
    /// A face is at most this many times as large as the window in which it was first found.
    private static let reach: Float = 1.5
    /// Scales whose sides are at most this many pixels are looked at together: each alone costs next to nothing.
    private static let firstLook = 96

    init(_ networks: DetectorNetworks) {
        proposal = ProposalStage(networks.proposal)
        refinement = CropStage(networks.refinement)
        output = CropStage(networks.output)
    }

    /// Every face of at least `smallest` pixels, largest first.
    func faces(in image: RGBImage, smallest: Float) -> [Detection] {
        let pyramid = ImagePyramid(width: image.width, height: image.height, smallest: smallest)
        var cascade = Cascade()
        areas.sum(image)
        advance(&cascade, over: pyramid.levels[...])
        return cascade.detections
    }

    /// The face that `faces(in:smallest:)` would give first, found with less work.
    ///
    /// Starts with the scales that show the largest faces, a hundredth of the work, and goes on to smaller ones only
    /// until no face left to find can be larger than the one found.
    func largestFace(in image: RGBImage, smallest: Float) -> Detection? {
        let pyramid = ImagePyramid(width: image.width, height: image.height, smallest: smallest)
        var remaining = pyramid.levels[...]
        var cascade = Cascade()
        areas.sum(image)
        while let next = remaining.last {
            if let found = cascade.detections.first {
                let side = max(found.corners[2] - found.corners[0], found.corners[3] - found.corners[1])
                if side >= Self.reach * next.face { break }
            }
            let start = remaining.firstIndex { max($0.width, $0.height) <= Self.firstLook } ?? remaining.endIndex - 1
            advance(&cascade, over: remaining[start...])
            remaining = remaining[..<start]
        }
        return cascade.detections.first
    }

    /// What the cascade knows of a picture after some of its scales.
    private struct Cascade {
        /// Past P-Net: what later scales' proposals must not repeat.
        var proposed: [Candidate] = []
        /// Past R-Net.
        var refined: [Candidate] = []
        /// Past O-Net.
        var found: [Candidate] = []

        /// The faces found, largest first.
        var detections: [Detection] {
            found.suppressed(.minimum, above: 0.7).map(Detection.init).sorted { $0.area > $1.area }
        }
    }

    /// Takes more scales of the picture through all three networks.
    private func advance(_ cascade: inout Cascade, over levels: ArraySlice<ImagePyramid.Level>) {
        var proposals: [Candidate] = []
        for group in proposal.candidates(levels, of: areas, threshold: Self.thresholds.proposal) {
            proposals += group.suppressed(.union, above: 0.5)
        }
        proposals = Self.new(proposals, beside: &cascade.proposed).map { $0.regressed(margin: 0).squared() }
        let refined = refinement.refine(proposals, of: areas, threshold: Self.thresholds.refinement)
        let survivors = Self.new(refined, beside: &cascade.refined).map { $0.regressed(margin: 1).squared() }
        let found = output.refine(survivors, of: areas, threshold: Self.thresholds.output)
        cascade.found += found.map { $0.regressed(margin: 1) }
    }

    /// Suppresses old and new candidates together; keeps all that remain and returns the new among them.
    private static func new(_ candidates: [Candidate], beside known: inout [Candidate]) -> [Candidate] {
        let old = Set(known)
        known = (known + candidates).suppressed(.union, above: 0.7)
        return known.filter { !old.contains($0) }
    }
}
