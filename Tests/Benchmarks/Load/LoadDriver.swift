import ArgumentParser

/// `bench`: drives a running suite with selfies, sends it spoilt pictures, or plays the vision stage with a worker that only sleeps.
@main
struct LoadDriver: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures a running suite.",
        subcommands: [DriveCommand.self, StandInCommand.self, FuzzCommand.self])
}
