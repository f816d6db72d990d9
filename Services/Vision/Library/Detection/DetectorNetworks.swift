import ModelManifest

/// MTCNN's three networks, loaded.
struct DetectorNetworks: Sendable {
    let proposal: CascadeNetwork
    let refinement: CascadeNetwork
    let output: CascadeNetwork

    /// Loads and checks what the manifest names.
    init(_ manifest: ModelManifest) throws(InferenceError) {
        let networks: (proposal: DetectorNetwork, refinement: DetectorNetwork, output: DetectorNetwork)
        do {
            networks = (try manifest.proposal, try manifest.refinement, try manifest.output)
        } catch {
            throw .manifest(error)
        }
        proposal = try CascadeNetwork(
            networks.proposal, name: "proposal", of: manifest, window: 12, layers: Self.proposalLayers)
        refinement = try CascadeNetwork(
            networks.refinement, name: "refinement", of: manifest, window: 24, layers: Self.refinementLayers)
        output = try CascadeNetwork(
            networks.output, name: "output", of: manifest, window: 48, layers: Self.outputLayers)
    }

    /// P-Net (Zhang et al. 2016, figure 2): two scores, four regressions.
    private static let proposalLayers = [
        ConvolutionChain.Layer(inputs: 3, outputs: 10, kernel: 3, pool: 2),
        ConvolutionChain.Layer(inputs: 10, outputs: 16, kernel: 3),
        ConvolutionChain.Layer(inputs: 16, outputs: 32, kernel: 3),
        ConvolutionChain.Layer(inputs: 32, outputs: 6, kernel: 1, hasSlopes: false),
    ]

    /// R-Net: two scores, four regressions.
    private static let refinementLayers = [
        ConvolutionChain.Layer(inputs: 3, outputs: 28, kernel: 3, pool: 3),
        ConvolutionChain.Layer(inputs: 28, outputs: 48, kernel: 3, pool: 3),
        ConvolutionChain.Layer(inputs: 48, outputs: 64, kernel: 2),
        ConvolutionChain.Layer(inputs: 64, outputs: 128, kernel: 3),
        ConvolutionChain.Layer(inputs: 128, outputs: 6, kernel: 1, hasSlopes: false),
    ]

    /// O-Net: two scores, four regressions, five x and five y.
    private static let outputLayers = [
        ConvolutionChain.Layer(inputs: 3, outputs: 32, kernel: 3, pool: 3),
        ConvolutionChain.Layer(inputs: 32, outputs: 64, kernel: 3, pool: 3),
        ConvolutionChain.Layer(inputs: 64, outputs: 64, kernel: 3, pool: 2),
        ConvolutionChain.Layer(inputs: 64, outputs: 128, kernel: 2),
        ConvolutionChain.Layer(inputs: 128, outputs: 256, kernel: 3),
        ConvolutionChain.Layer(inputs: 256, outputs: 16, kernel: 1, hasSlopes: false),
    ]
}

/// One of the three, with what the manifest says of it.
struct CascadeNetwork: Sendable {
    let network: DetectorNetwork
    let chain: ConvolutionChain

    /// Reads the weights, little-endian float32, and checks everything against the manifest.
    ///
    /// - Parameters:
    ///   - name: what the manifest calls it, for errors.
    ///   - window: the side of what it sees, in pixels.
    init(
        _ network: DetectorNetwork, name: String, of manifest: ModelManifest, window: Int,
        layers: [ConvolutionChain.Layer]
    ) throws(InferenceError) {
        let parameters: [Float]
        do {
            parameters = try manifest.numbers(in: network.weights)
        } catch {
            throw .manifest(error)
        }
        let input = network.input
        guard input.width == window, input.height == window, input.colour == .rgb else {
            throw .unsupported(
                network: name,
                reason:
                    "it sees \(input.width) x \(input.height) \(input.colour), and \(window) x \(window) rgb is needed")
        }
        let needed = layers.reduce(0) { $0 + $1.parameterCount }
        guard parameters.count == needed else {
            throw .unsupported(
                network: name, reason: "its weights are \(4 * parameters.count) bytes, and \(4 * needed) are needed")
        }
        self.network = network
        chain = ConvolutionChain(layers, parameters: parameters)
    }
}
