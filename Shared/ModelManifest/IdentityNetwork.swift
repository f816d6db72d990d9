/// The network whose vectors tell people apart, and how far apart is another person.
package struct IdentityNetwork: Hashable, Sendable, Decodable {
    /// The name of the output that is the vector; the caller brings it to unit length.
    package static let embedding = "embedding"

    package let network: Network
    package let identification: Identification

    /// How wide a vector is.
    package var width: Int { network.outputs[Self.embedding] ?? 0 }

    private enum CodingKeys: String, CodingKey {
        case identification, outputs, input
    }

    package init(from decoder: any Decoder) throws {
        network = try Network(from: decoder)
        identification = try decoder.container(keyedBy: CodingKeys.self)
            .decode(Identification.self, forKey: .identification)
        guard network.outputs[Self.embedding] != nil else {
            throw decoder.refuse(CodingKeys.outputs, "no output \"\(Self.embedding)\"")
        }
        guard network.input.template != nil else { throw decoder.refuse(CodingKeys.input, "no template") }
    }
}

/// The thresholds that ship with an identity network. Distances are cosine distances, 1 - cos, 0...2.
package struct Identification: Hashable, Sendable, Decodable {
    /// At or below it, the same person.
    package let match: Float
    /// Above it, somebody else. Between the two nobody can tell.
    package let enrol: Float
    /// The least shorter side of the detected box, in pixels of the upright picture.
    package let minimumFace: Float
    /// The least sharpness of the aligned crop, as `FaceQuality.sharpness` measures it; 0 allows all.
    package let minimumSharpness: Float
    /// The greatest |yaw|, as `FaceQuality.yaw` measures it.
    package let maximumYaw: Float

    private enum CodingKeys: String, CodingKey {
        case match, enrol, minimumFace, minimumSharpness, maximumYaw
    }

    package init(match: Float, enrol: Float, minimumFace: Float, minimumSharpness: Float, maximumYaw: Float) {
        self.match = match
        self.enrol = enrol
        self.minimumFace = minimumFace
        self.minimumSharpness = minimumSharpness
        self.maximumYaw = maximumYaw
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        match = try container.decode(Float.self, forKey: .match)
        enrol = try container.decode(Float.self, forKey: .enrol)
        minimumFace = try container.decode(Float.self, forKey: .minimumFace)
        minimumSharpness = try container.decode(Float.self, forKey: .minimumSharpness)
        maximumYaw = try container.decode(Float.self, forKey: .maximumYaw)
        guard match >= 0 else { throw decoder.refuse(CodingKeys.match, "below 0") }
        guard enrol >= match, enrol <= 2 else { throw decoder.refuse(CodingKeys.enrol, "not between match and 2") }
        guard maximumYaw > 0 else { throw decoder.refuse(CodingKeys.maximumYaw, "allows no face at all") }
    }
}
