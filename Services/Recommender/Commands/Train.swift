import ArgumentParser
import Foundation

/// Trains on a file and writes lists.
struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train on a user,item,count CSV; needs no broker or database.")

    @Argument(help: "The file of user,item,count lines.") var file: String
    @Option(help: "Write each user's best unseen items as user,rank,item,score lines to this file.") var output: String?
    @Option(help: "Items a user in the output.") var limit = 10
    @OptionGroup var training: TrainingOptions

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
    }

    func run() async throws {
        let file = try RatingsFile(path: file)
        let ratings = file.ratings
        let factors = try await training.train(ratings)
        guard let output else { return }
        let top = TopN(
            users: factors.users, items: factors.items, seen: [ratings.byUser], limit: limit,
            threads: training.run.threads)
        var text = "user,rank,item,score\n"
        for (index, user) in file.users.enumerated() {
            for (place, ranked) in top[index].enumerated() {
                text += "\(Self.field(user)),\(place + 1),\(Self.field(file.items[ranked.item])),\(ranked.score)\n"
            }
        }
        try Data(text.utf8).write(to: URL(filePath: output), options: .atomic)
    }

    private static func field(_ text: String) -> String {
        text.contains { ",\"\n\r".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}
