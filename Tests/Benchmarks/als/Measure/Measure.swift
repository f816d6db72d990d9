import ArgumentParser
import Foundation
import ImplicitALS
import LinearAlgebra
import Processor

/// `bench-als`: trains the recommender's engine on a file that shape.py wrote, ranks ten items for everyone, and prints what each
/// took as one JSON object. Reading the file doesn't count.
@main
struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-als", abstract: "Measures the engine.")

    @Argument(help: "Ratings as shape.py writes them.") var file: String
    @Option(help: "Numbers a vector.") var rank: Int
    @Option(help: "Epochs.") var epochs: Int
    @Option(help: "Threads.") var threads = 2
    @Option(help: "Items a user.") var limit = 10
    @Option(help: "How rows are solved.") var solver = Solver.conjugateGradient
    @Option(help: "The instructions of the solver's inner loops.") var instructions = Instructions.best
    @Flag(help: "Print the seconds of each epoch.") var verbose = false

    static func main() {
        OpenBLAS.chooseKernel()
        main(nil)
    }

    func run() throws {
        let byUser = try RatingsDump(path: file)
        let parameters = TrainingParameters(
            rank: rank, objective: .confidence(alpha: 1, lambda: 1), iterations: epochs, solver: solver)
        var last = Cost.now
        let fitting = Cost.now
        let ratings = Ratings(byUser: byUser.rows, items: byUser.items)
        if verbose { print("turning round: \(last.lap())") }
        let trained = try AlternatingLeastSquares.train(
            ratings, parameters, threads: threads, instructions: instructions
        ) { epoch, loss in
            if verbose { print("epoch \(epoch): \(last.lap()), loss \(loss)") }
        }
        let fit = Cost.now - fitting
        let ranking = Cost.now
        let top = TopN(
            users: trained.users, items: trained.items, seen: [ratings.byUser], limit: limit, threads: threads)
        let topCost = Cost.now - ranking
        precondition(top[0].count == limit)
        let result: [String: any Sendable] = [
            "fit_cpu": fit.cpu, "fit_seconds": fit.seconds, "top_cpu": topCost.cpu, "top_seconds": topCost.seconds,
            "peak_mb": Cost.peakMegabytes, "loss": trained.losses.last ?? .nan, "corename": OpenBLAS.coreName,
            "instructions": instructions.rawValue, "poor": OpenBLAS.isPoor,
        ]
        print(String(decoding: try JSONSerialization.data(withJSONObject: result, options: .sortedKeys), as: UTF8.self))
    }
}

extension Solver: ExpressibleByArgument {}
extension Instructions: ExpressibleByArgument {}

/// What was used since the process began.
private struct Cost: CustomStringConvertible {
    /// User and system time of all threads, in seconds.
    var cpu: Double
    var seconds: Double

    static var now: Cost {
        let usage = usage
        let cpu = [usage.ru_utime, usage.ru_stime].reduce(0.0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
        return Cost(cpu: cpu, seconds: ProcessInfo.processInfo.systemUptime)
    }

    /// The most memory the process had, as the kernel counts it.
    static var peakMegabytes: Double { Double(usage.ru_maxrss) / 1024 }

    private static var usage: rusage {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage
    }

    static func - (later: Cost, earlier: Cost) -> Cost {
        Cost(cpu: later.cpu - earlier.cpu, seconds: later.seconds - earlier.seconds)
    }

    /// What was used since this, which becomes now.
    mutating func lap() -> Cost {
        let now = Cost.now
        defer { self = now }
        return now - self
    }

    var description: String { String(format: "%.2f CPU-s, %.2f s", cpu, seconds) }
}
