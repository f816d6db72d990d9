import Messages

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
    /// The most boxes that each step keeps, the best ones, so that no picture costs more than it may: windows of one scale,
    /// those that suppression leaves of them, and what O-Net looks at. Photos of crowds stay far below.
    private static let most = (windows: 4096, proposals: 512, outputs: 512)
    /// A face is at most this many times as large as the window in which it was first found.
    private static let reach: Float = 1.5
    /// Scales whose sides are at most this many pixels are looked at together: each alone costs next to nothing.
    private static let firstLook = 96
    /// A third of a window: of a face whose edge is hardly seen there is more to be seen in a window further inside.
    private static let margin = 4
    /// From this probability on it is a face, and upright: what is none, and heads that are not, stay below it.
    static let certain: Float = 0.998

    init(_ networks: DetectorNetworks) {
        proposal = ProposalStage(networks.proposal)
        refinement = CropStage(networks.refinement)
        output = CropStage(networks.output)
    }

    /// Every face of at least `smallest` pixels, largest first.
    func faces(
        in image: RGBImage, smallest: Float, within work: WorkLimit = .unlimited
    ) throws(Failure) -> [Detection] {
        let pyramid = ImagePyramid(width: image.width, height: image.height, smallest: smallest)
        var cascade = Cascade()
        areas.sum(image)
        try advance(&cascade, over: pyramid.levels[...], within: work)
        return cascade.detections(inside: areas.size)
    }

    /// The face that a picture is of: the largest among those about as certain as the best.
    ///
    /// Where that one is not certain, or there is none, it may be cut off by the picture's edges, or the head may be on its side or
    /// upside-down: then windows that leave the picture are looked at too, and the picture from its other sides, and the most
    /// certain of what is found counts. That is not done for faces of less than 1/48 of the picture's long side, which would cost
    /// more than all the rest.
    func largestFace(in image: RGBImage, smallest: Float, within work: WorkLimit) throws(Failure) -> Detection? {
        var best = try largestUprightFace(in: image, smallest: smallest, within: work)
        if let best, best.probability >= Self.certain { return best }
        let smallest = max(smallest, Float(max(image.width, image.height)) / 48)
        for turn in [Orientation.upright, .turnedLeft, .turnedRight, .upsideDown] {
            let found = try largestUprightFace(
                in: image.turned(upright: turn), smallest: smallest, margin: Self.margin, within: work)
            guard let found, found.probability > best?.probability ?? 0 else { continue }
            best = found.turnedBack(from: turn, in: image)
            if turn == .upright, found.probability >= Self.certain { break }
        }
        return best
    }

    /// The largest of the certain ones among `faces(in:smallest:)` or, without any, the most certain one, found with less work.
    ///
    /// Starts with the scales that show the largest faces, a hundredth of the work, and goes on to smaller ones only
    /// until no face left to find can be larger than the one found.
    private func largestUprightFace(
        in image: RGBImage, smallest: Float, margin: Int = 0, within work: WorkLimit
    ) throws(Failure) -> Detection? {
        let pyramid = ImagePyramid(width: image.width, height: image.height, smallest: smallest, margin: margin)
        var remaining = pyramid.levels[...]
        var cascade = Cascade()
        areas.sum(image)
        while let next = remaining.last {
            if let found = cascade.detections(inside: areas.size).first(where: { $0.probability >= Self.certain }) {
                let seen = found.corners(inside: areas.size)
                let side = max(seen[2] - seen[0], seen[3] - seen[1])
                if side >= Self.reach * next.face { return found }
            }
            let start = remaining.firstIndex { max($0.width, $0.height) <= Self.firstLook } ?? remaining.endIndex - 1
            try advance(&cascade, over: remaining[start...], within: work)
            remaining = remaining[..<start]
        }
        let faces = cascade.detections(inside: areas.size)
        return faces.first { $0.probability >= Self.certain } ?? faces.max { $0.probability < $1.probability }
    }

    /// What the cascade knows of a picture after some of its scales.
    private struct Cascade {
        /// Past P-Net: what later scales' proposals must not repeat.
        var proposed: [Candidate] = []
        /// Past R-Net.
        var refined: [Candidate] = []
        /// Past O-Net.
        var found: [Candidate] = []

        /// The faces found in a picture of that size, of which most is seen first.
        func detections(inside size: SIMD2<Float>) -> [Detection] {
            found.suppressed(.minimum, above: 0.7).map(Detection.init)
                .sorted { $0.area(inside: size) > $1.area(inside: size) }
        }
    }

    /// Takes more scales of the picture through all three networks.
    private func advance(
        _ cascade: inout Cascade, over levels: ArraySlice<ImagePyramid.Level>, within work: WorkLimit
    ) throws(Failure) {
        var proposals: [Candidate] = []
        for group in try proposal.candidates(levels, of: areas, threshold: Self.thresholds.proposal, within: work) {
            proposals += group.strongest(Self.most.windows).suppressed(.union, above: 0.5).prefix(Self.most.proposals)
        }
        proposals = Self.new(proposals, beside: &cascade.proposed).map { $0.regressed(margin: 0).squared() }
        let refined = try refinement.refine(
            proposals, of: areas, threshold: Self.thresholds.refinement, within: work)
        let survivors = Self.new(refined, beside: &cascade.refined).strongest(Self.most.outputs).map {
            $0.regressed(margin: 1).squared()
        }
        let found = try output.refine(survivors, of: areas, threshold: Self.thresholds.output, within: work)
        cascade.found += found.map { $0.regressed(margin: 1) }
    }

    /// Suppresses old and new candidates together; keeps all that remain and returns the new among them.
    private static func new(_ candidates: [Candidate], beside known: inout [Candidate]) -> [Candidate] {
        let old = Set(known)
        known = (known + candidates).suppressed(.union, above: 0.7)
        return known.filter { !old.contains($0) }
    }
}
