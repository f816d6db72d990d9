package import ModelManifest

/// Every network that vision runs, loaded and checked: shared by all lanes.
package struct FaceNetworks: Sendable {
    let detector: DetectorNetworks
    package let identity: IdentityNetworks
    /// What people were known by before, while they are still to be found by it.
    package let previousIdentity: IdentityNetworks?
    /// Which faces may be recognised, among others.
    let identification: Identification
    package let expression: LoadedNetwork
    /// What the manifest says of the expression network beside its files.
    package let expressionNetwork: ExpressionNetwork
    let moods: Moods

    /// Versions by network name, as they travel with each analysis.
    package var versions: [String: String] {
        [
            "detector": detector.output.network.version, "identity": identity.version,
            "expression": expression.network.version,
        ]
    }

    /// Loads what the manifest in `directory` names. Throws one sentence about the first thing that is wrong.
    ///
    /// - Parameters:
    ///   - previous: the folder of the manifest that names the previous identity network, if there is one.
    ///   - precision: what identity and expression compute in; the detector always does in float32.
    ///   - lanes: how many analyses run at once.
    init(
        directory: String, previous: String? = nil, precision: Precision = .fastest, lanes: Int
    ) throws(InferenceError) {
        let manifest: ModelManifest
        let previousManifest: ModelManifest?
        let previousIdentity: IdentityNetwork?
        let identity: IdentityNetwork
        let expression: ExpressionNetwork
        do {
            manifest = try ModelManifest(directory: directory)
            identity = try manifest.identity
            expression = try manifest.expression
            previousManifest = try previous.map { folder throws(ModelManifestError) in
                try ModelManifest(directory: folder)
            }
            previousIdentity = try previousManifest?.identity
        } catch {
            throw .manifest(error)
        }
        detector = try DetectorNetworks(manifest)
        let engine = try InferenceEngine(precision: precision, lanes: lanes)
        self.identity = try IdentityNetworks(identity, of: manifest, on: engine)
        identification = identity.identification
        if let previousIdentity, let previousManifest {
            guard previousIdentity.input.seesSameCrop(as: identity.input) else {
                throw .unsupported(
                    network: previousIdentity.version, reason: "it wants another crop than \"\(identity.version)\"")
            }
            self.previousIdentity = try IdentityNetworks(previousIdentity, of: previousManifest, on: engine)
        } else {
            self.previousIdentity = nil
        }
        self.expression = try engine.load(expression.network, name: "expression", of: manifest)
        try self.expression.requireOutputs([ExpressionNetwork.expression: 16])
        moods = try Moods(expression)
        expressionNetwork = expression
    }
}
