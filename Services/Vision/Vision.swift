import ArgumentParser

/// Vision: from a picture to its largest face, mood, expression and identity vector.
@main
struct Vision: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sees the largest face in a picture: its mood, its expression, and whose it may be.",
        subcommands: [Serve.self, Analyze.self, Detect.self, Evaluate.self, TimeLoop.self],
        defaultSubcommand: Serve.self)

    /// What its commands are called.
    static var commandNames: [String] { configuration.subcommands.map { $0._commandName } }
}
