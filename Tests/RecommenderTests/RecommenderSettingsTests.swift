import Broker
import ImplicitALS
import Messages
import Operations
import Recommender
import Testing

@Suite(.timeLimit(.minutes(5))) struct RecommenderSettingsTests {
    private func settings(_ values: [String: String] = [:]) throws -> RecommenderSettings {
        let needed = ["database.url": "postgresql://127.0.0.1/mien"]
        return try RecommenderSettings(Settings(values.merging(needed) { given, _ in given }), cores: 2)
    }

    @Test func everyOtherKeyHasADefault() throws {
        let settings = try settings()
        #expect(settings.training.rank == 32)
        #expect(settings.engine == .service(.conjugateGradient))
        #expect(settings.training.solver == .conjugateGradient)
        #expect(settings.threads == 2)
        #expect(settings.youTubeKey == nil)
        #expect(settings.keywords[.happy] == MoodKeywords.defaults[.happy])
        #expect(settings.broker.port == 5672)
        try settings.training.validate()
        #expect(throws: SettingsError.missing(key: "database.url")) {
            try RecommenderSettings(Settings([:]), cores: 2)
        }
    }

    @Test func readsWhatIsGiven() throws {
        let settings = try settings([
            "als.rank": "8", "als.alpha": "2.5", "als.interval": "0.5", "click.weight": "0", "like.weight": "3",
            "als.keep": "7",
            "als.keepDays": "2",
            "keywords.upset": "kittens,tea", "youtube.key": "k", "broker.vhost": "mien",
        ])
        #expect(settings.training.rank == 8)
        #expect(settings.training.objective == .confidence(alpha: 2.5, lambda: 0.1))
        #expect(settings.interval == .milliseconds(500))
        #expect(settings.weights == RatingWeights(click: 0, like: 3))
        #expect(settings.kept == Versions.Retention(count: 7, days: 2))
        #expect(settings.keywords[.upset] == ["kittens", "tea"])
        #expect(settings.youTubeKey == "k")
        #expect(settings.broker.virtualHost == "mien")
    }

    @Test func theEngineIsASolverOfTheServiceOrSpark() throws {
        #expect(try settings(["als.engine": "spark"]).engine == .spark)
        for engine in BatchEngine.allCases { #expect(BatchEngine(rawValue: engine.rawValue) == engine) }
        let error = #expect(throws: SettingsError.self) { _ = try settings(["als.engine": "abacus"]) }
        #expect(error?.description.contains("cholesky") == true)
        #expect(error?.description.contains("spark") == true)
    }

    @Test(arguments: [
        ("als.rank", "513"), ("als.rank", "many"), ("als.iterations", "0"), ("als.alpha", "0"), ("als.lambda", "x"),
        ("click.weight", "-1"), ("like.weight", "-1"), ("als.engine", "abacus"), ("database.connections", "1"),
        ("keywords.happy", ","),
        ("als.interval", "0"), ("als.minimumNewRatings", "0"), ("database.url", "postgres//typo"),
    ])
    func refusesWhatIsUnfitAndNamesTheKey(key: String, value: String) {
        let error = #expect(throws: SettingsError.self) { _ = try settings([key: value]) }
        #expect(error?.description.contains(key) == true)
    }
}
