import ArgumentParser
import Operations

/// `gateway serve`: the service.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service (default).",
        discussion: "Settings: --KEY VALUE, or the environment; docs/settings.md has the table.")

    @Argument(parsing: .captureForPassthrough, help: "Settings.")
    var settings: [String] = []

    func run() async throws {
        await ServiceRunner.main(
            "gateway", arguments: settings, commands: Gateway.commandNames, assemble: Gateway.assemble)
    }
}
