import ArgumentParser
import LinearAlgebra
import RecommenderTool

/// The recommender: what people enjoyed, and what they might.
@main
struct Recommender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommender",
        abstract: "Stores what people enjoyed and answers with six videos.",
        subcommands: [Serve.self] + FileCommands.all + [
            CheckCatalogue.self, ListVersions.self, Rollback.self, Unpin.self,
        ],
        defaultSubcommand: Serve.self)

    static func main() async {
        OpenBLAS.chooseKernel()
        await main(nil)
    }

    /// What its commands are called.
    static var commandNames: [String] { configuration.subcommands.map { $0._commandName } }
}
