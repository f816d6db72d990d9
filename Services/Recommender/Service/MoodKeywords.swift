package import Messages

/// What each mood searches for.
package struct MoodKeywords: Sendable, Hashable {
    /// Words or phrases by mood; every mood has at least one.
    private let words: [MoodName: [String]]

    /// `nil` when a mood has no keyword.
    package init?(_ words: [MoodName: [String]]) {
        guard MoodName.allCases.allSatisfy({ words[$0]?.isEmpty == false }) else { return nil }
        self.words = words
    }

    package subscript(mood: MoodName) -> [String] { words[mood] ?? [] }

    /// Every mood's, each once, in alphabetical order.
    package var all: [String] { Set(words.values.joined()).sorted() }

    /// To keep up a good mood, to feed curiosity, to accompany calm, and to comfort.
    package static let defaults: [MoodName: [String]] = [
        .happy: ["upbeat", "dance", "feel-good", "comedy", "latin", "energetic"],
        .surprised: ["amazing", "science", "space", "talent", "engineering", "animals"],
        .neutral: ["calm", "documentary", "nature", "jazz", "focus", "talk"],
        .upset: ["comforting", "soothing", "hopeful", "cathartic", "calm", "meditation"],
    ]
}

extension MoodName {
    /// The mood whose keywords find videos for somebody of this one.
    func sought(_ wish: MoodWish?) -> MoodName {
        switch wish {
        case .lift: .happy
        case .match, nil: self
        }
    }
}
