import ArgumentParser
import FoundationEssentials

/// Reads a file that a command was given.
func contents(of path: String) throws -> Data {
    do {
        return try Data(contentsOf: URL(filePath: path))
    } catch {
        throw ValidationError("The file \(path) cannot be read.")
    }
}
