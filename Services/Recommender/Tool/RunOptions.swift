import ArgumentParser
import ImplicitALS
import Operations

/// What every command that trains can be told, whatever it trains.
struct RunOptions: ParsableArguments {
    @Option(help: "Epochs.") var iterations = TrainingParameters.Defaults.iterations
    @Option(help: "The same seed gives the same result.") var seed = TrainingParameters.Defaults.seed
    @Option(help: "Threads; by default one a usable processor.") var threads = Processors.usable

    func validate() throws {
        guard threads > 0 else { throw ValidationError("There must be at least one thread.") }
    }
}
