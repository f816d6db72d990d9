/// How far a face is from a known one.
package struct Distance: Hashable, Sendable {
    /// 1 - cosine, 0...2.
    package var cosine: Float
    /// The same by what it says where the two lie, when nobody else is looked at: what claims are decided by.
    package var paired: Float
    /// The same by how alike others are too, 0 or more: what a search is decided by.
    package var normalised: Float
}
