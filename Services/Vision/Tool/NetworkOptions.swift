import ArgumentParser
import FoundationEssentials
import Operations
import Vision

/// Which networks a command runs, in what precision, and on how many threads.
struct NetworkOptions: ParsableArguments {
    @Option(help: "The folder of manifest.json.")
    var models = ProcessInfo.processInfo.environment["MODELS_DIRECTORY"] ?? "Models"

    @Option(help: "What identity and expression compute in: f32 or bf16, by default the faster on this processor.")
    var precision = Precision.fastest

    @Option(help: "How many pictures are worked on at once.")
    var threads = Processors.usable

    func validate() throws {
        guard threads > 0 else { throw ValidationError("--threads must be at least 1.") }
    }

    func lanes() throws -> AnalysisLanes {
        try AnalysisLanes(directory: models, precision: precision, count: threads)
    }
}

extension Precision: ExpressibleByArgument {}
