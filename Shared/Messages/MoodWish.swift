/// What videos by mood are to do with the mood.
package enum MoodWish: String, Codable, Hashable, Sendable, CaseIterable {
    /// Go with it: found by its own keywords.
    case match
    /// Cheer up: found by the keywords of happy.
    case lift
}
