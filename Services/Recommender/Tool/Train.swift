import ArgumentParser
import Foundation
import ImplicitALS

/// Trains on a file and writes lists.
struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train on a file of ratings; needs no broker or database.", discussion: RatingsInput.discussion)

    @OptionGroup var input: RatingsInput
    @Option(help: "Write each user's best unseen items as user,rank,item,score lines to this file.")
    var output: OutputFile?
    @Option(help: "Items a user in the output.") var limit = 10
    @OptionGroup var training: TrainingOptions
    @OptionGroup var json: JSONOutput

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
        try output?.validate()
    }

    func run() async throws {
        let file = try input.read()
        let ratings = file.ratings
        let factors = try await training.train(ratings)
        if let output {
            let top = TopN(
                users: factors.users, items: factors.items, seen: [ratings.byUser], limit: limit,
                threads: training.run.threads)
            var text = "user,rank,item,score\n"
            for (index, user) in file.users.enumerated() {
                for (place, ranked) in top[index].enumerated() {
                    text += "\(Self.field(user)),\(place + 1),\(Self.field(file.items[ranked.item])),\(ranked.score)\n"
                }
            }
            try output.write(Data(text.utf8))
        }
        guard json.isWanted else { return }
        try json.print(
            Report(users: ratings.users, items: ratings.items, ratings: ratings.count, loss: factors.losses.last))
    }

    /// What `--json` prints.
    private struct Report: Encodable {
        var users: Int
        var items: Int
        var ratings: Int
        var loss: Double?
    }

    private static func field(_ text: String) -> String {
        text.contains { ",\"\n\r".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}
