package import Configuration
package import Messages

/// What the recommender can be told; every other key is one of `Operations`' or of the broker's and the database's.
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `als.interval` | seconds | 60 | how often the batch looks whether a run is due |
/// | `als.minimumNewRatings` | integer | 10 | ratings, clicks and erasures since the last version that make a run due |
/// | `als.engine` | `cholesky` | `cholesky` | how each half-step solves its equations |
/// | `als.rank` | 1...512 | 32 | numbers a vector |
/// | `als.alpha` | number > 0 | 20 | confidence c = 1 + alpha · r |
/// | `als.lambda` | number > 0 | 0.1 | regularisation |
/// | `als.iterations` | integer > 0 | 15 | epochs a run |
/// | `als.seed` | integer | 1 | the same seed and ratings give the same version |
/// | `als.threads` | integer > 0 | the cores | threads a run uses |
/// | `als.rows` | integer > 0 | 10 | collaborative rows a person has in a version |
/// | `als.keep` | integer > 0 | 3 | versions that stay for `rollback` |
/// | `click.weight` | number ≥ 0 | 1 | r = reactions + weight · clicks |
/// | `keywords.happy`, `.surprised`, `.neutral`, `.upset` | list | see `MoodKeywords` | what a mood searches for |
/// | `youtube.key` | secret | none | a key of the YouTube Data API v3; without one only the catalogue is searched |
/// | `youtube.url` | URL | `https://www.googleapis.com/youtube/v3` | the API's root |
/// | `youtube.timeout` | seconds | 5 | how long a search may take |
package struct RecommenderSettings: Sendable {
    /// Why a setting is refused; the text names the key.
    package struct InvalidSetting: Error, Equatable, CustomStringConvertible {
        package var description: String

        init(_ key: String, _ demand: String) {
            description = "The setting \(key) must be \(demand)."
        }
    }

    package var training: TrainingParameters
    package var interval: Duration
    package var minimumNewRatings: Int
    package var threads: Int
    package var rows: Int
    package var keptVersions: Int
    package var clickWeight: Float
    package var keywords: MoodKeywords
    package var youTubeKey: String?
    package var youTubeURL: String
    package var youTubeTimeout: Duration

    /// Reads the settings; `cores` is the default number of threads.
    package init(_ reader: ConfigReader, cores: Int) throws(InvalidSetting) {
        let source = Source(reader: reader)
        let engine = reader.string(forKey: "als.engine") ?? Solver.cholesky.rawValue
        guard let solver = Solver(rawValue: engine) else {
            throw InvalidSetting("als.engine", "one of " + Solver.allCases.map(\.rawValue).joined(separator: ", "))
        }
        training = TrainingParameters(
            rank: try source.whole("als.rank", 32, in: 1...512),
            objective: .confidence(
                alpha: try source.number("als.alpha", 20, above: 0), lambda: try source.number("als.lambda", 0.1, above: 0)),
            iterations: try source.whole("als.iterations", 15, in: 1...10_000), solver: solver,
            seed: UInt64(try source.whole("als.seed", 1, in: 0...Int.max)))
        interval = .seconds(Double(try source.number("als.interval", 60, above: 0)))
        minimumNewRatings = try source.whole("als.minimumNewRatings", 10, in: 1...Int.max)
        threads = try source.whole("als.threads", max(1, cores), in: 1...1024)
        rows = try source.whole("als.rows", 10, in: 1...1000)
        keptVersions = try source.whole("als.keep", 3, in: 1...1000)
        clickWeight = try source.number("click.weight", 1, above: -.leastNonzeroMagnitude)
        var words = MoodKeywords.defaults
        for mood in MoodName.allCases {
            guard let list = reader.stringArray(forKey: ConfigKey("keywords.\(mood.rawValue)")) else { continue }
            words[mood] = list.filter { !$0.isEmpty }
        }
        guard let keywords = MoodKeywords(words) else {
            throw InvalidSetting("keywords.<mood>", "a list of at least one keyword")
        }
        self.keywords = keywords
        youTubeKey = reader.string(forKey: "youtube.key", isSecret: true).flatMap { $0.isEmpty ? nil : $0 }
        youTubeURL = reader.string(forKey: "youtube.url", default: "https://www.googleapis.com/youtube/v3")
        youTubeTimeout = .seconds(Double(try source.number("youtube.timeout", 5, above: 0)))
    }

    /// Numbers from a reader: those that are there and unfit are errors, and not the default.
    private struct Source {
        let reader: ConfigReader

        func whole(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(InvalidSetting) -> Int {
            let key = ConfigKey(name)
            let given = reader.int(forKey: key)
            let demand = range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
            if given == nil, reader.string(forKey: key) == nil { return value }
            guard let given, range.contains(given) else { throw InvalidSetting(name, "a whole number, \(demand)") }
            return given
        }

        func number(_ name: String, _ value: Float, above bound: Float) throws(InvalidSetting) -> Float {
            let key = ConfigKey(name)
            let given = reader.double(forKey: key).map { Float($0) }
            if given == nil, reader.string(forKey: key) == nil { return value }
            guard let given, given > bound, given.isFinite else {
                throw InvalidSetting(name, bound < 0 ? "a number, 0 or more" : "a number above \(bound)")
            }
            return given
        }
    }
}
