import ArgumentParser
import Foundation

/// The choice between a table for people and one JSON object for programs, on standard output.
package struct JSONOutput: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print one JSON object in place of the tables.") package var isWanted = false

    package init() {}

    /// Prints a value as JSON, on one line, with names such as `recall_20` and times in ISO 8601.
    package func print(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        FileHandle.standardOutput.write(try encoder.encode(value) + Data("\n".utf8))
    }
}
