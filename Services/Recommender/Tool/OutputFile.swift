import ArgumentParser
import Foundation

/// A file that a command writes at its end; whether it can is known at its beginning.
struct OutputFile: ExpressibleByArgument {
    private let url: URL

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        url = URL(filePath: argument)
    }

    /// Throws what a person should know who would otherwise wait for nothing.
    func validate() throws {
        let path = url.path(percentEncoded: false)
        let folder = url.deletingLastPathComponent().path(percentEncoded: false)
        var isFolder = ObjCBool(false)
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw ValidationError("--output \(path) is a folder.")
        }
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw ValidationError("--output: there is no folder \(folder).")
        }
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw ValidationError("--output: the folder \(folder) cannot be written to.")
        }
    }

    /// Writes all of it, or nothing.
    func write(_ data: Data) throws {
        try data.write(to: url, options: .atomic)
    }
}
