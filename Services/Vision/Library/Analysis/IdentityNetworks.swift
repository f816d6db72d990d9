import ModelManifest

/// The networks whose vectors, side by side, are a face's identity vector: loaded, checked, shared by all lanes.
package struct IdentityNetworks: Sendable {
    /// How wide an identity vector is, whatever its parts.
    static let width = 512

    /// The whole vector's version.
    package let version: String
    /// The aligned crop that all parts see.
    let input: NetworkInput
    let parts: [Part]

    /// A network and the length that its vector has among the others.
    struct Part: Sendable {
        let network: LoadedNetwork
        let weight: Float
    }

    init(
        _ identity: IdentityNetwork, of manifest: ModelManifest, on engine: borrowing InferenceEngine
    ) throws(InferenceError) {
        version = identity.version
        input = identity.input
        var parts: [Part] = []
        for part in identity.parts {
            // A part alone is called what the manifest calls it; among others its version says which one it is.
            let name = identity.parts.count == 1 ? "identity" : part.network.version
            let network = try engine.load(part.network, name: name, of: manifest)
            parts.append(Part(network: network, weight: part.weight))
        }
        guard identity.width == Self.width else {
            throw .unsupported(
                network: "identity", reason: "its vector is \(identity.width) wide, and \(Self.width) is needed")
        }
        self.parts = parts
    }
}

/// The requests behind one analyser's identity vectors. Not for sharing: whoever runs them owns them.
final class IdentityRequest {
    private let parts: [(request: InferenceRequest, weight: Float)]

    init(_ networks: IdentityNetworks) throws(InferenceError) {
        var parts: [(InferenceRequest, Float)] = []
        for part in networks.parts { parts.append((try InferenceRequest(part.network), part.weight)) }
        self.parts = parts
    }

    /// A vector of unit length of each crop: each part's vector at its weight's length, one after another.
    func vectors(of crops: [RGBImage]) throws(InferenceError) -> [[Float]] {
        var vectors = [[Float]](repeating: [], count: crops.count)
        for part in parts {
            let rows = try part.request.infer(crops).rows(of: IdentityNetwork.embedding)
            for (index, row) in rows.enumerated() {
                vectors[index] += normalised(row).map { $0 * part.weight }
            }
        }
        return vectors.map(normalised)
    }
}
