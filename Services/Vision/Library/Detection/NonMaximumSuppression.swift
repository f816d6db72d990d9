/// How much two boxes overlap.
enum Overlap: Sendable {
    /// Intersection over union, as torchvision has it.
    case union
    /// Intersection over the smaller box, both edge pixels counted, as MTCNN's last stage has it.
    case minimum
}

extension [Candidate] {
    /// The `count` with the highest scores, best first; all of them, as they are, where there are no more.
    func strongest(_ count: Int) -> [Candidate] {
        self.count <= count ? self : Array(bestFirst.prefix(count))
    }

    /// Highest scores first; equal ones keep their order.
    private var bestFirst: [Candidate] {
        enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }.map(\.element)
    }

    /// Non-maximum suppression: the best candidates, best first, none overlapping a better one by more than `threshold`.
    func suppressed(_ overlap: Overlap, above threshold: Float) -> [Candidate] {
        let margin: Float = overlap == .minimum ? 1 : 0
        let ordered = bestFirst
        let areas = ordered.map { ($0.width + margin) * ($0.height + margin) }
        var kept: [Int] = []
        for (index, candidate) in ordered.enumerated() {
            let corners = candidate.corners
            let isNew = kept.allSatisfy { better in
                let other = ordered[better].corners
                let width = Swift.min(corners[2], other[2]) - Swift.max(corners[0], other[0]) + margin
                let height = Swift.min(corners[3], other[3]) - Swift.max(corners[1], other[1]) + margin
                guard width > 0, height > 0 else { return true }
                let intersection = width * height
                let whole =
                    overlap == .union
                    ? areas[index] + areas[better] - intersection : Swift.min(areas[index], areas[better])
                return intersection <= threshold * whole
            }
            if isNew { kept.append(index) }
        }
        return kept.map { ordered[$0] }
    }
}
