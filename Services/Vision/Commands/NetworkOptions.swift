import ArgumentParser
import FoundationEssentials
import Glibc

/// Which networks a command runs, in what precision, and on how many threads.
struct NetworkOptions: ParsableArguments {
    @Option(help: "The folder of manifest.json.")
    var models = ProcessInfo.processInfo.environment["MODELS_DIRECTORY"] ?? "Models"

    @Option(help: "What identity and expression compute in: f32 or bf16, by default the faster on this processor.")
    var precision = Precision.fastest

    @Option(help: "How many pictures are worked on at once.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    func validate() throws {
        guard threads > 0 else { throw ValidationError("--threads must be at least 1.") }
    }

    func lanes() throws -> AnalysisLanes {
        try AnalysisLanes(directory: models, precision: precision, count: threads)
    }
}

extension Precision: ExpressibleByArgument {}

/// Standard error, for what is not the result.
struct StandardError: TextOutputStream {
    mutating func write(_ string: String) {
        var text = string
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    /// Writes one line.
    static func say(_ line: String) {
        var stream = StandardError()
        print(line, to: &stream)
    }
}

/// Reads a file that a command was given.
func contents(of path: String) throws -> Data {
    do {
        return try Data(contentsOf: URL(filePath: path))
    } catch {
        throw ValidationError("The file \(path) cannot be read.")
    }
}

/// Prints a value as one line of JSON, keys in alphabetical order.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
    // At once, for a reader at the other end of a pipe.
    fflush(nil)
}
