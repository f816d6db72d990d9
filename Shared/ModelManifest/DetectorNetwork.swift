/// One of MTCNN's three networks, whose form vision knows: weights, and what to feed it.
package struct DetectorNetwork: Hashable, Sendable, Decodable {
    /// Changes with any change of the weights.
    package let version: String
    /// Little-endian float32, layer after layer: weights (outputs x inputs x rows x columns), biases, and slopes of a PReLU
    /// that follows.
    package let weights: ModelFile
    package let input: NetworkInput
    /// The weights' licence.
    package let licence: String
    /// Where the weights come from: a public package.
    package let source: String
    /// The file that describes the network, relative to the manifest.
    package let card: String

    private enum CodingKeys: String, CodingKey {
        case version, weights, input, licence, source, card
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(String.self, forKey: .version)
        weights = try container.decode(ModelFile.self, forKey: .weights)
        input = try container.decode(NetworkInput.self, forKey: .input)
        licence = try container.decode(String.self, forKey: .licence)
        source = try container.decode(String.self, forKey: .source)
        card = try container.decode(String.self, forKey: .card)
        guard !version.isEmpty else { throw decoder.refuse(CodingKeys.version, "empty") }
    }
}
