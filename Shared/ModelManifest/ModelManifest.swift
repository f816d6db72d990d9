package import FoundationEssentials
internal import Processor

/// What `Models/manifest.json` says of the networks: files, checksums, inputs, outputs, thresholds.
///
/// The manifest chooses the networks, so that one is swapped by a file and not by code. It is checked as a whole when
/// read; the files it names are checked by `verify(_:)`, by whoever is about to load them.
package struct ModelManifest: Sendable {
    /// The form of the manifest that this build reads.
    package static let currentSchema = 1

    /// The folder of the manifest, to which the files in it are relative.
    package let directory: String

    private let networks: Networks

    private struct Document: Decodable {
        var networks: Networks
    }

    private struct Networks: Decodable {
        var identity: IdentityNetwork?
        var expression: ExpressionNetwork?
        var proposal: DetectorNetwork?
        var refinement: DetectorNetwork?
        var output: DetectorNetwork?
    }

    private struct Form: Decodable {
        var schema: Int
    }

    /// Reads and checks `manifest.json` in a folder.
    package init(directory: String) throws(ModelManifestError) {
        let path = directory + "/manifest.json"
        let json: Data
        do {
            json = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw .missing(file: path)
        }
        try self.init(json: json, directory: directory)
    }

    /// Checks a manifest already read; `directory` is where the files it names lie.
    package init(json: Data, directory: String) throws(ModelManifestError) {
        self.directory = directory
        do {
            let schema = try JSONDecoder().decode(Form.self, from: json).schema
            guard schema == Self.currentSchema else { throw ModelManifestError.unknownSchema(schema) }
            networks = try JSONDecoder().decode(Document.self, from: json).networks
        } catch let error as ModelManifestError {
            throw error
        } catch let error as DecodingError {
            throw .malformed(error.sentence)
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// The network whose vectors tell people apart.
    package var identity: IdentityNetwork {
        get throws(ModelManifestError) { try require(networks.identity, "identity") }
    }

    /// The network that sees mood and reaction.
    package var expression: ExpressionNetwork {
        get throws(ModelManifestError) { try require(networks.expression, "expression") }
    }

    /// MTCNN's first network (P-Net), which slides over the picture: its input is the window.
    package var proposal: DetectorNetwork {
        get throws(ModelManifestError) { try require(networks.proposal, "proposal") }
    }

    /// MTCNN's second network (R-Net).
    package var refinement: DetectorNetwork {
        get throws(ModelManifestError) { try require(networks.refinement, "refinement") }
    }

    /// MTCNN's third network (O-Net).
    package var output: DetectorNetwork {
        get throws(ModelManifestError) { try require(networks.output, "output") }
    }

    /// Where a file of the manifest lies.
    package func path(of file: ModelFile) -> String {
        directory + "/" + file.file
    }

    /// Checks that a network's graph and weights are there and are the ones the manifest names.
    package func verify(_ network: Network) throws(ModelManifestError) {
        try verify(network.graph)
        try verify(network.weights)
    }

    /// Checks that a file is there and has the SHA-256 that the manifest names.
    package func verify(_ file: ModelFile) throws(ModelManifestError) {
        let actual = try SHA256Checksum(contentsOf: path(of: file))
        guard actual == file.sha256 else {
            throw .checksum(file: path(of: file), expected: file.sha256, actual: actual)
        }
    }

    /// The numbers in a file of little-endian float32 that has the SHA-256 the manifest names.
    package func numbers(in file: ModelFile) throws(ModelManifestError) -> [Float] {
        try verify(file)
        guard let content = try? Data(contentsOf: URL(filePath: path(of: file))) else {
            throw .missing(file: path(of: file))
        }
        guard content.count % 4 == 0 else {
            throw .unfit(file: path(of: file), reason: "\(content.count) bytes, not whole float32")
        }
        return content.withUnsafeBytes([Float].init(littleEndian:))
    }

    private func require<T>(_ network: T?, _ name: String) throws(ModelManifestError) -> T {
        guard let network else { throw .absent(network: name) }
        return network
    }
}
