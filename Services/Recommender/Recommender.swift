import ArgumentParser

/// The recommender: what people enjoyed, and what they might.
@main
struct Recommender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommender",
        abstract: "Stores what people enjoyed and answers with six videos.",
        subcommands: [Train.self, Evaluate.self, CheckCatalogue.self])
}
