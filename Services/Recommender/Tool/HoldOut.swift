/// How ratings are divided into training and held back.
package enum HoldOut: String, Sendable, CaseIterable {
    /// Each user's last rating, in the file's order; users with one rating keep it.
    case last
    /// A random fifth of each user's ratings, rounded down: users with fewer than five keep all.
    case fifth
}
