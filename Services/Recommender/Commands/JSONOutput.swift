import ArgumentParser
import Foundation

/// The choice between a table for people and one JSON object for programs, on standard output.
struct JSONOutput: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print one JSON object in place of the tables.") var isWanted = false

    /// Prints a value as JSON, on one line, with names such as `recall_20` and times in ISO 8601.
    func print(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        FileHandle.standardOutput.write(try encoder.encode(value) + Data("\n".utf8))
    }
}
