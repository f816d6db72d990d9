/// The closed list of ways through the stages.
///
/// A message names its trip and never a queue, so no message can send a worker's output anywhere else.
package enum Trip: String, Codable, Hashable, Sendable, CaseIterable {
    /// A selfie, all the way: who, how they feel, what to watch.
    case selfie
    /// What is seen in a picture; nothing is stored.
    case analysis
    /// Where all faces of a picture are; nothing is stored.
    case faces
    /// All that is kept of a user.
    case user
    /// The current six for a known user.
    case recommendations
    /// A user clicked a recommended video.
    case click
    /// A user said what they think of a video.
    case feedback
    /// Two users are one person, or two after all.
    case merge
    /// A user and everything about them is erased.
    case erasure

    /// The stages this trip passes, in order. What follows the last is the answer.
    package var stages: [StageName] {
        switch self {
        case .selfie: [.vision, .identity, .recommender]
        case .analysis, .faces: [.vision]
        case .recommendations, .click, .feedback: [.recommender]
        case .user, .merge, .erasure: [.identity, .recommender]
        }
    }

    /// The stage after `stage` on this trip, or `nil` when the answer comes next.
    package func stage(after stage: StageName) -> StageName? {
        guard let index = stages.firstIndex(of: stage), index + 1 < stages.count else { return nil }
        return stages[index + 1]
    }
}
