package import Broker
import Configuration
package import Database
package import ImplicitALS
import Messages
package import Operations

/// What the recommender can be told, beside `broker.*`, `database.url` and what `ServiceRunner` reads.
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `database.connections` | 4 or more | 6 | connections at most: the batch keeps up to three, the jobs share the others |
/// | `stage.concurrency` | integer > 0 | 3 | jobs worked on at a time |
/// | `recommender.sweepInterval` | seconds | 600 | how often old erasures are cleared out |
/// | `als.interval` | seconds | 60 | between the beginnings of two runs, whichever worker's |
/// | `als.minimumNewRatings` (`ALS_MINIMUM_NEW_RATINGS`) | integer > 0 | 10 | ratings, clicks and erasures since the last version that make a run due |
/// | `als.engine` | see `BatchEngine` | `conjugate-gradient` | who trains, and how each half-step solves its equations |
/// | `als.rank` | 1...512 | 32 | numbers a vector |
/// | `als.alpha` | number > 0 | 20 | confidence c = 1 + alpha · r |
/// | `als.lambda` | number > 0 | 0.1 | regularisation |
/// | `als.iterations` | integer > 0 | 15 | epochs a run |
/// | `als.seed` | integer | 1 | the same seed and ratings give the same version |
/// | `als.threads` | integer > 0 | usable processors | threads a run uses |
/// | `als.rows` | integer > 0 | 10 | collaborative rows a person has in a version |
/// | `als.keep`, `als.keepDays` | integer > 0, integer | 3, 3 | versions that stay for `rollback`: the newest, and the last of each of so many days |
/// | `click.weight`, `like.weight` | number ≥ 0 | 1, 2 | what a click and a like add to r, a reaction being 1 |
/// | `keywords.happy`, `.surprised`, `.neutral`, `.upset` | list | see `MoodKeywords` | what a mood searches for |
/// | `youtube.key` | secret | none | a key of the YouTube Data API v3; without one only the catalogue is searched |
/// | `youtube.url` | URL | `https://www.googleapis.com/youtube/v3` | the API's root |
/// | `youtube.timeout` | seconds | 5 | how long a search may take |
package struct RecommenderSettings: Sendable {
    package var broker: BrokerAddress
    package var database: DatabaseSettings
    package var concurrency: Int
    package var sweepInterval: Duration
    package var engine: BatchEngine
    /// How the service itself trains, where `engine` says so.
    package var training: TrainingParameters
    package var interval: Duration
    package var minimumNewRatings: Int
    package var threads: Int
    package var rows: Int
    package var kept: Versions.Retention
    package var weights: RatingWeights
    package var keywords: MoodKeywords
    package var youTubeKey: String?
    package var youTubeURL: String
    package var youTubeTimeout: Duration

    /// Reads the settings; `cores` is the default number of threads.
    package init(_ settings: Settings, cores: Int) throws(SettingsError) {
        broker = try BrokerAddress(settings)
        database = try DatabaseSettings(settings, connections: 6, atLeast: 4, applicationName: "mien recommender")
        concurrency = try settings.integer("stage.concurrency", default: 3, in: 1...1000)
        sweepInterval = try settings.duration("recommender.sweepInterval", default: .seconds(600), aboveZero: true)
        engine = try settings.choice("als.engine", default: .service(.conjugateGradient))
        training = try Self.training(settings, engine)
        interval = try settings.duration("als.interval", default: .seconds(60), aboveZero: true)
        minimumNewRatings = try settings.integer("als.minimumNewRatings", default: 10, in: 1...Int.max)
        threads = try settings.integer("als.threads", default: max(1, cores), in: 1...1024)
        rows = try settings.integer("als.rows", default: 10, in: 1...1000)
        kept = Versions.Retention(
            count: try settings.integer("als.keep", default: 3, in: 1...1000),
            days: try settings.integer("als.keepDays", default: 3, in: 0...1000))
        weights = RatingWeights(
            click: Float(try settings.number("click.weight", default: 1, in: 0...1e6)),
            like: Float(try settings.number("like.weight", default: 2, in: 0...1e6)))
        var words = MoodKeywords.defaults
        for mood in MoodName.allCases {
            let key = "keywords.\(mood.rawValue)"
            guard let list = settings.reader.stringArray(forKey: ConfigKey(key)) else {
                if let text = settings.text(key) { throw .invalid(key: key, value: text, wanted: "a list of keywords") }
                continue
            }
            words[mood] = list.filter { !$0.isEmpty }
            guard words[mood]?.isEmpty == false else {
                throw .invalid(key: key, value: "", wanted: "a list of at least one keyword")
            }
        }
        guard let keywords = MoodKeywords(words) else { throw .missing(key: "keywords") }
        self.keywords = keywords
        youTubeKey = settings.secret("youtube.key").flatMap { $0.isEmpty ? nil : $0 }
        youTubeURL = settings.text("youtube.url", default: "https://www.googleapis.com/youtube/v3")
        youTubeTimeout = try settings.duration("youtube.timeout", default: .seconds(5))
    }

    private static func training(
        _ settings: Settings, _ engine: BatchEngine
    ) throws(SettingsError) -> TrainingParameters {
        typealias Defaults = TrainingParameters.Defaults
        let alpha = try settings.number("als.alpha", default: Double(Defaults.alpha), in: positive)
        let lambda = try settings.number("als.lambda", default: Double(Defaults.lambda), in: positive)
        return TrainingParameters(
            rank: try settings.integer("als.rank", default: Defaults.rank, in: 1...512),
            objective: .confidence(alpha: Float(alpha), lambda: Float(lambda)),
            iterations: try settings.integer("als.iterations", default: Defaults.iterations, in: 1...10_000),
            solver: engine.solver,
            seed: UInt64(try settings.integer("als.seed", default: Int(Defaults.seed))))
    }

    private static let positive = Double(Float.leastNormalMagnitude)...1e9
}
