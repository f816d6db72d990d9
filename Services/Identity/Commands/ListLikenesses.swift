internal import ArgumentParser
internal import ModelManifest

/// `identity likenesses`: users who may be one person.
struct ListLikenesses: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "likenesses",
        abstract: "List users who look like one person, the most alike first.",
        discussion: """
            A line a pair: the distance of their most alike faces, and two user ids, to be merged by POST /v1/users/ID/merges if they \
            are one. Compares every face with every other.
            """)

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let likenesses = try await database.withDatabase { database, settings in
            let recogniser = Recogniser(
                database: database, current: try KnownPeople(models: settings.modelsDirectory))
            try await recogniser.catchUp()
            return await recogniser.likenesses()
        }
        for pair in likenesses { print(pair.distance, pair.user, pair.other, separator: "  ") }
    }
}
