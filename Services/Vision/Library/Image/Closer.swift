import FoundationEssentials
import Messages

extension Picture {
    /// How often it was halved before it was looked at.
    private var halvings: Int { Int(scale.max().rounded().exponent) }

    /// By how many halvings less it would have to be looked at for something that is to be enlarged by `magnification`: the
    /// most first, none where it has pixels enough.
    func halvings(for magnification: Float) -> [Int] {
        guard magnification > 1, halvings > 0 else { return [] }
        return (1...min(halvings, Int(magnification.nextDown.exponent) + 1)).reversed()
    }

    /// The same picture, halved by that many times less; `nil` where that takes more memory than the limits allow. Throws
    /// also what `work` throws.
    func closer(
        by times: Int, _ data: Data, limits: ImageLimits, within work: WorkLimit
    ) throws(Failure) -> Picture? {
        let left = halvings - times
        var closer = limits
        closer.side = (max(size.width, size.height) - 1) >> left + 1
        do {
            return try Picture(data, limits: closer, within: work)
        } catch  where error.kind == .tooLarge {
            // Used-up work is said by the same kind, and leaves nothing to look closer with.
            try work.check()
            return nil
        }
    }
}
