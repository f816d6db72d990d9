internal import ArgumentParser
internal import Database
internal import ModelManifest

/// `identity networks`: how far everybody has come from one network to the next.
struct ListNetworks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "networks",
        abstract:
            "List the network versions that people are known by, and how many by one alone; the current one has a star."
    )

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let (standings, current) = try await database.withDatabase { database, settings in
            let standings = try await database.withConnection { try NetworkVersions.all(on: $0) }
            return (standings, try KnownPeople(models: settings.modelsDirectory).network.version)
        }
        for standing in standings {
            let star = standing.version == current ? "*" : " "
            print(
                "\(star) \(standing.version)  \(standing.users) users, \(standing.alone) of them by no other  \(standing.templates) templates"
            )
        }
    }
}

/// `identity drop VERSION`: the end of an old network's templates.
struct DropNetwork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Delete the face templates of a network version that is not the current one.",
        discussion: "Refuses while anybody is known by it alone, unless --all says that they may become strangers.")

    @Argument(help: "The version, as `identity networks` lists it.") var version: String
    @Flag(help: "Also those of people whom no other version knows.") var all = false
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let dropped = try await database.withDatabase { database, settings in
            guard version != (try KnownPeople(models: settings.modelsDirectory).network.version) else {
                throw ValidationError("\(version) is the current network.")
            }
            return try await database.transaction { [version, all] connection in
                try connection.query(Schema.lock)
                let alone = try NetworkVersions.all(on: connection).first { $0.version == version }?.alone ?? 0
                guard alone == 0 || all else {
                    throw ValidationError(
                        "\(alone) users are known by \(version) alone, and would be strangers; --all drops them too.")
                }
                return try NetworkVersions.drop(version, on: connection)
            }
        }
        print("\(dropped) templates of \(version) dropped")
    }
}
