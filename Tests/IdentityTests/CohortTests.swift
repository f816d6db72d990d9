import Foundation
import ModelManifest
import Processor
import Testing

@testable import Identity

@Suite(.timeLimit(.minutes(5)))
struct CohortTests {
    private let folder: CohortFolder

    init() throws {
        folder = try CohortFolder()
    }

    @Test func theScoreIsTheMeanCosineToTheMembersMostAlike() throws {
        let cohort = try Cohort(folder.file(nearest: 2), of: folder.manifest(), width: 2)
        #expect(cohort.score(of: [1, 0]) == (1 + 0.6) / 2)
        #expect(cohort.score(of: [-1, 0]) == (0 - 0.6) / 2)
    }

    @Test func thatOfBothFacesIsWeightedAboveTheUsual() throws {
        let cohort = try Cohort(folder.file(nearest: 1), of: folder.manifest(), width: 2)
        // The weight is 0.25 and the usual score 0.5.
        #expect(abs(cohort.score(of: [1, 0], and: [0.6, 0.8]) - 0.25) < 1e-6)
        #expect(abs(cohort.score(of: [0, -1], and: [0, -1]) + 0.25) < 1e-6)
    }

    @Test(arguments: ["Models", "Models/alone", "Models/int8"])
    func theOneThatShipsIsRead(models: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let manifest = try ModelManifest(directory: root.appending(path: models).path(percentEncoded: false))
        let network = try manifest.identity
        let cohort = try Cohort(#require(network.identification.cohort), of: manifest, width: network.width)
        let template = [1] + [Float](repeating: 0, count: network.width - 1)
        #expect((-1...1).contains(cohort.score(of: template)))
    }

    @Test func aFileThatDoesNotFitIsRefusedInOneSentence() throws {
        let manifest = try folder.manifest()
        for (file, width, named) in [
            (try folder.file(nearest: 4), 2, "24 bytes"), (try folder.file(nearest: 1), 4, "24 bytes"),
            (try folder.file(name: "missing"), 2, "missing"),
            (try folder.file(sha256: String(repeating: "0", count: 64)), 2, "SHA-256"),
        ] {
            let error = #expect(throws: ModelManifestError.self) { try Cohort(file, of: manifest, width: width) }
            #expect(error.map { "\($0)".contains(named) } == true, "\(String(describing: error))")
        }
    }
}

/// A folder with a cohort of three in the plane, removed with its owner.
private final class CohortFolder: Sendable {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "mien-\(UUID())")
    private let sha256: String

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appending(path: "cohort.bin")
        try Data(([1, 0, 0, 1, 0.6, 0.8] as [Float]).littleEndian).write(to: path)
        sha256 = "\(try SHA256Checksum(contentsOf: path.path(percentEncoded: false)))"
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func manifest() throws -> ModelManifest {
        try ModelManifest(
            json: Data(#"{"schema": 1, "networks": {}}"#.utf8), directory: folder.path(percentEncoded: false))
    }

    func file(nearest: Int = 1, name: String = "cohort.bin", sha256: String? = nil) throws -> CohortFile {
        let json = """
            {"file": "\(name)", "sha256": "\(sha256 ?? self.sha256)", "nearest": \(nearest), "weight": 0.25,
             "usual": 0.5}
            """
        return try JSONDecoder().decode(CohortFile.self, from: Data(json.utf8))
    }
}
