import Foundation
import Messages

@testable import Vision

/// The repository's own networks.
enum Networks {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Models").standardizedFileURL.path

    /// Loaded once for all tests: two lanes.
    private static let shared = Result { try AnalysisLanes(directory: directory, count: 2) }

    static func lanes() throws -> AnalysisLanes { try shared.get() }

    /// The same networks, computing in a precision of the test's choice.
    static func lanes(_ precision: Precision) throws -> AnalysisLanes {
        try AnalysisLanes(directory: directory, precision: precision, count: 1)
    }

    /// The same networks in int8.
    static func int8Lanes() throws -> AnalysisLanes { try AnalysisLanes(directory: directory + "/int8", count: 1) }
}

/// A copy of the models' folder for a test to spoil; removed at the end.
final class SpoiltModels {
    let directory = FileManager.default.temporaryDirectory.appending(path: "mien-models-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.copyItem(atPath: Networks.directory, toPath: directory)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
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
