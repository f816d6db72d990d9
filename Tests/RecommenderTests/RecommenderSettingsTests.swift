import Configuration
import Messages
import Recommender
import Testing

@Suite struct RecommenderSettingsTests {
    private func settings(_ values: [AbsoluteConfigKey: ConfigValue] = [:]) throws -> RecommenderSettings {
        try RecommenderSettings(ConfigReader(provider: InMemoryProvider(values: values)), cores: 2)
    }

    @Test func everyKeyHasADefault() throws {
        let settings = try settings()
        #expect(settings.training.rank == 32)
        #expect(settings.training.solver == .cholesky)
        #expect(settings.threads == 2)
        #expect(settings.youTubeKey == nil)
        #expect(settings.keywords[.happy] == MoodKeywords.defaults[.happy])
        try settings.training.validate()
    }

    @Test func readsWhatIsGiven() throws {
        let settings = try settings([
            "als.rank": 8, "als.alpha": 2.5, "als.interval": 0.5, "click.weight": 0.0, "als.keep": "7",
            "keywords.upset": .init(.stringArray(["kittens", "tea"]), isSecret: false), "youtube.key": "k",
        ])
        #expect(settings.training.rank == 8)
        #expect(settings.training.objective == .confidence(alpha: 2.5, lambda: 0.1))
        #expect(settings.interval == .milliseconds(500))
        #expect(settings.clickWeight == 0)
        #expect(settings.keywords[.upset] == ["kittens", "tea"])
        #expect(settings.youTubeKey == "k")
    }

    @Test(arguments: [
        ("als.rank", ConfigValue(.int(513), isSecret: false)), ("als.rank", ConfigValue(.string("many"), isSecret: false)),
        ("als.iterations", ConfigValue(.int(0), isSecret: false)), ("als.alpha", ConfigValue(.double(0), isSecret: false)),
        ("als.lambda", ConfigValue(.string("x"), isSecret: false)), ("click.weight", ConfigValue(.double(-1), isSecret: false)),
        ("als.engine", ConfigValue(.string("abacus"), isSecret: false)),
    ])
    func refusesWhatIsUnfitAndNamesTheKey(key: String, value: ConfigValue) {
        let error = #expect(throws: RecommenderSettings.InvalidSetting.self) {
            _ = try settings([AbsoluteConfigKey(key.split(separator: ".").map(String.init)): value])
        }
        #expect(error?.description.contains(key) == true)
    }
}
