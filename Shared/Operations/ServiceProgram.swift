package import ArgumentParser

/// The program of a service that has commands of its own beside `serve`.
package protocol ServiceProgram: AsyncParsableCommand, SendableMetatype {
    /// Puts the service together from its settings.
    static func assemble(_ runner: ServiceRunner) async throws -> ServiceRunner.Assembly
}

/// `PROGRAM serve`: the service.
package struct Serve<Program: ServiceProgram>: AsyncParsableCommand {
    package static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "serve", abstract: "Run the service (default).",
            discussion: "Settings: --KEY VALUE, or the environment; docs/settings.md has the table.")
    }

    @Argument(parsing: .captureForPassthrough, help: "Settings.") private var settings: [String] = []

    package init() {}

    package func run() async throws {
        await ServiceRunner.main(
            Program._commandName, arguments: settings, commands: Program.commandNames, assemble: Program.assemble)
    }
}

extension ServiceProgram {
    /// What its commands are called, for whoever misspells one.
    package static var commandNames: [String] { configuration.subcommands.map { $0._commandName } }
}
