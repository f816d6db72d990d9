import Foundation
import Messages

@testable import Vision

/// The repository's own networks; where set-up could not get SFace ours alone, as `make run` has it.
enum Networks {
    static let models = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Models").standardizedFileURL.path
    static let haveSFace = FileManager.default.fileExists(atPath: models + "/third-party/sface.bin")
    static let directory = haveSFace ? models : models + "/alone"

    /// Loaded once for all tests: two lanes.
    private static let shared = Result { try AnalysisLanes(directory: directory, count: 2) }

    static func lanes() throws -> AnalysisLanes { try shared.get() }

    /// The same networks, computing in a precision of the test's choice.
    static func lanes(_ precision: Precision) throws -> AnalysisLanes {
        try AnalysisLanes(directory: directory, precision: precision, count: 1)
    }

    /// The same networks in int8.
    static func int8Lanes() throws -> AnalysisLanes { try AnalysisLanes(directory: models + "/int8", count: 1) }
}

/// A copy of the models' folder for a test to spoil; removed at the end.
final class SpoiltModels {
    private let copy = FileManager.default.temporaryDirectory.appending(path: "mien-models-\(UUID().uuidString)").path
    /// The folder of the manifest.
    let directory: String

    /// Our network alone, which is always there, or beside SFace.
    init(alone: Bool = true) throws {
        try FileManager.default.copyItem(atPath: Networks.models, toPath: copy)
        directory = alone ? copy + "/alone" : copy
    }

    deinit {
        try? FileManager.default.removeItem(atPath: copy)
    }

    /// Changes the manifest's entry of a network.
    func change(_ network: String, _ body: (inout [String: Any]) -> Void) throws {
        let url = URL(filePath: directory + "/manifest.json")
        var manifest = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as! [String: Any]
        var networks = manifest["networks"] as! [String: Any]
        var entry = networks[network] as! [String: Any]
        body(&entry)
        networks[network] = entry
        manifest["networks"] = networks
        try JSONSerialization.data(withJSONObject: manifest).write(to: url)
    }

    /// Changes the entry of one part of the identity network.
    func changePart(_ index: Int, _ body: (inout [String: Any]) -> Void) throws {
        try change("identity") { entry in
            var parts = entry["parts"] as! [[String: Any]]
            body(&parts[index])
            entry["parts"] = parts
        }
    }

    /// What loading them says, or `nil` when it goes well.
    func complaint() -> String? {
        do {
            _ = try FaceNetworks(directory: directory, lanes: 1)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
