/// A network as OpenVINO reads it, and what to feed it.
package struct Network: Hashable, Sendable, Decodable {
    /// Changes with any change of the weights; vectors of different versions are never compared.
    package let version: String
    /// OpenVINO IR: the XML.
    package let graph: ModelFile
    /// OpenVINO IR: the binary.
    package let weights: ModelFile
    package let input: NetworkInput
    /// The width of each output tensor (without the batch dimension) by its name.
    package let outputs: [String: Int]
    /// The weights' licence.
    package let licence: String
    /// Where the weights come from: a folder of this repository or a public package.
    package let source: String
    /// The file that describes how the network was made and how well it does, relative to the manifest.
    package let card: String

    private enum CodingKeys: String, CodingKey {
        case version, graph, weights, input, outputs, licence, source, card
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(String.self, forKey: .version)
        graph = try container.decode(ModelFile.self, forKey: .graph)
        weights = try container.decode(ModelFile.self, forKey: .weights)
        input = try container.decode(NetworkInput.self, forKey: .input)
        outputs = try container.decode([String: Int].self, forKey: .outputs)
        licence = try container.decode(String.self, forKey: .licence)
        source = try container.decode(String.self, forKey: .source)
        card = try container.decode(String.self, forKey: .card)
        guard !version.isEmpty else { throw decoder.refuse(CodingKeys.version, "empty") }
        guard !outputs.isEmpty, outputs.values.allSatisfy({ $0 > 0 }) else {
            throw decoder.refuse(CodingKeys.outputs, "no output, or one without width")
        }
    }
}

/// A file beside the manifest, and the checksum that proves it is the right one.
package struct ModelFile: Hashable, Sendable, Decodable {
    /// Relative to the manifest's folder, and inside it.
    package let file: String
    package let sha256: SHA256Checksum

    private enum CodingKeys: String, CodingKey {
        case file, sha256
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        file = try container.decode(String.self, forKey: .file)
        sha256 = try container.decode(SHA256Checksum.self, forKey: .sha256)
        guard !file.isEmpty, !file.hasPrefix("/"), !file.split(separator: "/").contains("..") else {
            throw decoder.refuse(CodingKeys.file, "not a path inside the manifest's folder")
        }
    }
}

/// The tensor a network wants: float32, batch x channels x height x width, the batch of any size.
package struct NetworkInput: Hashable, Sendable, Decodable {
    /// The tensor's name.
    package let name: String
    /// In pixels. For a network that slides over the picture, its window.
    package let width: Int
    package let height: Int
    package let colour: Colour
    /// A channel's value v (0...255) goes in as (v - mean) / deviation, in the order of the channels.
    package let mean: [Float]
    package let deviation: [Float]
    /// Where the five landmarks of an aligned face lie in the input; `nil` for a network that takes unaligned pictures.
    package let template: AlignmentTemplate?

    private enum CodingKeys: String, CodingKey {
        case name, width, height, colour, mean, deviation, template
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        width = try container.decode(Int.self, forKey: .width)
        height = try container.decode(Int.self, forKey: .height)
        colour = try container.decode(Colour.self, forKey: .colour)
        mean = try container.decode([Float].self, forKey: .mean)
        deviation = try container.decode([Float].self, forKey: .deviation)
        template = try container.decodeIfPresent(AlignmentTemplate.self, forKey: .template)
        guard width > 0 else { throw decoder.refuse(CodingKeys.width, "not positive") }
        guard height > 0 else { throw decoder.refuse(CodingKeys.height, "not positive") }
        guard mean.count == colour.channels else {
            throw decoder.refuse(CodingKeys.mean, "not one value a channel")
        }
        guard deviation.count == colour.channels, deviation.allSatisfy({ $0 > 0 }) else {
            throw decoder.refuse(CodingKeys.deviation, "not one positive value a channel")
        }
    }
}

/// What the channels of an input are.
package enum Colour: String, Hashable, Sendable, Decodable {
    case rgb
    case bgr
    /// One channel: BT.601 luma.
    case grey

    package var channels: Int {
        self == .grey ? 1 : 3
    }
}

/// The five landmarks' places in an aligned crop, in its pixels: left eye, right eye, nose, left mouth corner, right
/// mouth corner, left and right being the picture's. A face is brought there by the least-squares similarity.
package struct AlignmentTemplate: Hashable, Sendable, Decodable {
    /// Five points as (x, y).
    package let points: [SIMD2<Float>]

    package init(from decoder: any Decoder) throws {
        let pairs = try decoder.singleValueContainer().decode([[Float]].self)
        guard pairs.count == 5, pairs.allSatisfy({ $0.count == 2 }) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not five points of two numbers"))
        }
        points = pairs.map { SIMD2($0[0], $0[1]) }
    }
}
