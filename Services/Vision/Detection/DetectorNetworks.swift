import ModelManifest

/// MTCNN's three networks, loaded.
struct DetectorNetworks: Sendable {
    let proposal: LoadedNetwork
    let refinement: LoadedNetwork
    let output: LoadedNetwork

    /// Loads and checks what the manifest names.
    init(_ manifest: ModelManifest, engine: borrowing InferenceEngine) throws(InferenceError) {
        let networks: (proposal: Network, refinement: Network, output: Network)
        do {
            networks = (try manifest.proposal, try manifest.refinement, try manifest.output)
        } catch {
            throw .manifest(error)
        }
        proposal = try engine.load(networks.proposal, name: "proposal", of: manifest)
        refinement = try engine.load(networks.refinement, name: "refinement", of: manifest)
        output = try engine.load(networks.output, name: "output", of: manifest)
        for network in [proposal, refinement, output] {
            try network.requireOutputs(["probability": 2, "regression": 4])
            guard network.network.input.colour == .rgb else {
                throw .unsupported(network: network.name, reason: "a detector sees RGB")
            }
        }
        try output.requireOutputs(["landmarks": 10])
    }
}

extension LoadedNetwork {
    /// Refuses a network whose manifest entry does not name an output, or names it with another width.
    func requireOutputs(_ wanted: [String: Int]) throws(InferenceError) {
        for (output, width) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let actual = network.outputs[output] else { throw .missingTensor(network: name, tensor: output) }
            guard actual == width else {
                throw .unsupported(
                    network: name, reason: "its output \"\(output)\" is \(actual) wide, and \(width) is needed")
            }
        }
    }
}
