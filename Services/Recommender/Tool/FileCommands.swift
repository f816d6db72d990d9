package import ArgumentParser

/// The recommender's commands on files of ratings, which need no broker or database.
package enum FileCommands {
    /// All of them: the service's program lists them beside its own.
    package static var all: [any ParsableCommand.Type] { [Train.self, Evaluate.self, Tune.self] }
}
