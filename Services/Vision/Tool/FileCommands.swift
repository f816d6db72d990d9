package import ArgumentParser

/// Vision's commands on files, which need no broker.
package enum FileCommands {
    /// All of them: the service's program lists them beside its own.
    package static var all: [any ParsableCommand.Type] { [Analyze.self, Detect.self, Evaluate.self, TimeLoop.self] }
}
