import Foundation
import Testing

/// The program that was built together with these tests.
enum RecommenderBinary {
    /// Where it lies: beside the tests' own program, whatever folder they were built in.
    static var url: URL {
        get throws {
            let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let url = URL(filePath: own).deletingLastPathComponent().appending(path: "recommender")
            try #require(
                FileManager.default.isExecutableFile(atPath: url.path(percentEncoded: false)), "there is no \(url)")
            return url
        }
    }

    /// How a run of it ended.
    struct Ended {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs it to its end, with nothing on standard input unless it is given.
    static func run(
        _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) async throws -> Ended {
        let folder = FileManager.default.temporaryDirectory.appending(path: "recommender-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = ["in", "out", "err"].map { folder.appending(path: $0) }
        try Data(input.utf8).write(to: files[0])
        for file in files.dropFirst() { try Data().write(to: file) }
        let process = Process()
        process.executableURL = try url
        process.arguments = arguments
        process.environment = environment
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in ended.resume() }
            do { try process.run() } catch { ended.resume(throwing: error) }
        }
        return Ended(
            status: process.terminationStatus, output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
    }
}
