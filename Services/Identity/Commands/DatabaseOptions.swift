internal import ArgumentParser
internal import Database
internal import Logging
internal import Operations

/// Which database and networks a command is about.
struct DatabaseOptions: ParsableArguments {
    /// Settings, of which `database.url` is needed.
    @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

    /// Opens the database of the settings for as long as the body runs.
    func withDatabase<Result>(_ body: (Database, IdentitySettings) async throws -> Result) async throws -> Result {
        let settings = try IdentitySettings(
            try await Settings.load(arguments: settings, commands: Identity.commandNames))
        let logger = Logger(label: "identity") { _ in SwiftLogNoOpLogHandler() }
        return try await Database.with(settings.database, logger: logger) { try await body($0, settings) }
    }
}
