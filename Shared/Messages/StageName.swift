/// A place where jobs wait and are worked on. Its raw value is the middle of its queues' names: `mien.vision.accepted`.
package enum StageName: String, Codable, Hashable, Sendable, CaseIterable {
    case vision
    case identity
    case recommender
    /// The last stage of every accepted job: any gateway writes the result to the database.
    case gateway
}
