/// How far a face is from the known one nearest to it.
package struct Distance: Hashable, Sendable {
    /// 1 - cosine, 0...2.
    package var cosine: Float
    /// The same by what it says where the two lie, 0 or more: what thresholds are for.
    package var normalised: Float
}
