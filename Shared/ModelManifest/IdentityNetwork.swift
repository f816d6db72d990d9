/// What tells people apart: one network, or several whose vectors stand side by side, and how far apart is another person.
package struct IdentityNetwork: Hashable, Sendable, Decodable {
    /// The name of the output that is a part's vector; the caller brings it to unit length.
    package static let embedding = "embedding"

    /// Changes with any change of a part or its weight; vectors of different versions are never compared.
    package let version: String
    /// In the order in which their vectors stand. They all see the same crop.
    package let parts: [IdentityPart]
    package let identification: Identification

    /// How wide a vector is: as wide as all parts together.
    package var width: Int { parts.reduce(0) { $0 + $1.width } }

    /// The aligned crop that every part sees; what is done to its values differs from part to part.
    package var input: NetworkInput { parts[0].network.input }

    private enum CodingKeys: String, CodingKey {
        case version, parts, outputs, identification
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(String.self, forKey: .version)
        identification = try container.decode(Identification.self, forKey: .identification)
        guard container.contains(.parts) else {
            parts = [try IdentityPart(from: decoder)]
            return
        }
        parts = try container.decode([IdentityPart].self, forKey: .parts)
        guard !version.isEmpty else { throw decoder.refuse(CodingKeys.version, "empty") }
        guard let first = parts.first else { throw decoder.refuse(CodingKeys.parts, "empty") }
        if let other = parts.first(where: { !$0.network.input.seesSameCrop(as: first.network.input) }) {
            throw decoder.refuse(
                CodingKeys.parts,
                "\"\(other.network.version)\" wants another crop than \"\(first.network.version)\"")
        }
        let outputs = try container.decode([String: Int].self, forKey: .outputs)
        guard outputs == [Self.embedding: width] else {
            throw decoder.refuse(
                CodingKeys.outputs, "not the \"\(Self.embedding)\" of \(width) values that the parts make together")
        }
    }
}

/// A network whose vector is the whole of an identity vector or a part of it.
package struct IdentityPart: Hashable, Sendable, Decodable {
    package let network: Network
    /// The length that the part's vector has among the others, of which a cosine's share grows with the square.
    package let weight: Float

    /// How wide the part's vector is.
    package var width: Int { network.outputs[IdentityNetwork.embedding] ?? 0 }

    private enum CodingKeys: String, CodingKey {
        case weight, outputs, input
    }

    package init(from decoder: any Decoder) throws {
        network = try Network(from: decoder)
        weight = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Float.self, forKey: .weight) ?? 1
        guard weight > 0, weight.isFinite else { throw decoder.refuse(CodingKeys.weight, "not positive") }
        guard network.outputs[IdentityNetwork.embedding] != nil else {
            throw decoder.refuse(CodingKeys.outputs, "no output \"\(IdentityNetwork.embedding)\"")
        }
        guard network.input.template != nil else { throw decoder.refuse(CodingKeys.input, "no template") }
    }
}

extension NetworkInput {
    /// Whether a crop made for one fits the other: size, colours and template are the same.
    package func seesSameCrop(as other: NetworkInput) -> Bool {
        (width, height, colour) == (other.width, other.height, other.colour) && template == other.template
    }
}

/// The thresholds that ship with an identity network, for the distance to the face nearest by cosine: 1 - cosine, normalised by
/// cohort and impostors where there are any.
package struct Identification: Hashable, Sendable, Decodable {
    /// At or below it, the same person.
    package let match: Float
    /// Above it, somebody else. Between the two nobody can tell.
    package let enrol: Float
    /// At or below it by the bare cosine distance, surely nobody new; 0 to go by the normalised distance alone.
    package let near: Float
    /// At or below it, the person whom the request claims, compared with that one alone; `match` where the manifest has none. False
    /// matches of two people who are compared are what it limits, and not those among everybody known.
    package let claim: Float
    /// At or below it, a returning person's template may be kept beside those that are; 0 to keep the first alone.
    package let add: Float
    /// At or below it, two users may be one person: those who were compared alone, and with everybody; 0 for nobody.
    package let same: Float
    /// The least shorter side of the detected box, as `FaceQuality.size` measures it.
    package let minimumFace: Float
    /// The least sharpness of the aligned crop, as `FaceQuality.sharpness` measures it; 0 allows all.
    package let minimumSharpness: Float
    /// The greatest |yaw|, as `FaceQuality.yaw` measures it.
    package let maximumYaw: Float
    /// The least probability of the detector's that it is a face, 0...1; 0 allows all.
    package let minimumProbability: Float
    /// By whom distances are normalised wherever a face lies; `nil` not to.
    package let cohort: CohortFile?
    /// How distances are normalised by the other known faces; `nil` not to.
    package let impostors: Impostors?

    private enum CodingKeys: String, CodingKey {
        case match, enrol, near, claim, add, same, minimumFace, minimumSharpness, maximumYaw, minimumProbability, cohort
        case impostors = "rivals"
    }

    package init(
        match: Float, enrol: Float, near: Float = 0, claim: Float? = nil, add: Float = 0, same: Float = 0,
        minimumFace: Float, minimumSharpness: Float, maximumYaw: Float, minimumProbability: Float = 0
    ) {
        self.match = match
        self.enrol = enrol
        self.near = near
        self.claim = claim ?? match
        self.add = add
        self.same = same
        self.minimumFace = minimumFace
        self.minimumSharpness = minimumSharpness
        self.maximumYaw = maximumYaw
        self.minimumProbability = minimumProbability
        cohort = nil
        impostors = nil
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        match = try container.decode(Float.self, forKey: .match)
        enrol = try container.decode(Float.self, forKey: .enrol)
        near = try container.decodeIfPresent(Float.self, forKey: .near) ?? 0
        claim = try container.decodeIfPresent(Float.self, forKey: .claim) ?? match
        add = try container.decodeIfPresent(Float.self, forKey: .add) ?? 0
        same = try container.decodeIfPresent(Float.self, forKey: .same) ?? 0
        minimumFace = try container.decode(Float.self, forKey: .minimumFace)
        minimumSharpness = try container.decode(Float.self, forKey: .minimumSharpness)
        maximumYaw = try container.decode(Float.self, forKey: .maximumYaw)
        minimumProbability = try container.decodeIfPresent(Float.self, forKey: .minimumProbability) ?? 0
        cohort = try container.decodeIfPresent(CohortFile.self, forKey: .cohort)
        impostors = try container.decodeIfPresent(Impostors.self, forKey: .impostors)
        guard match >= 0 else { throw decoder.refuse(CodingKeys.match, "below 0") }
        guard enrol >= match, enrol <= 2 else { throw decoder.refuse(CodingKeys.enrol, "not between match and 2") }
        guard (0...2).contains(near) else { throw decoder.refuse(CodingKeys.near, "not a cosine distance") }
        guard (0...2).contains(claim) else { throw decoder.refuse(CodingKeys.claim, "not a distance") }
        guard (0...match).contains(add) else { throw decoder.refuse(CodingKeys.add, "not between 0 and match") }
        guard (0...match).contains(same) else { throw decoder.refuse(CodingKeys.same, "not between 0 and match") }
        guard maximumYaw > 0 else { throw decoder.refuse(CodingKeys.maximumYaw, "allows no face at all") }
        guard (0...1).contains(minimumProbability) else {
            throw decoder.refuse(CodingKeys.minimumProbability, "not a probability")
        }
    }
}

/// The faces of nobody in particular that a network's distances are normalised by, and how.
package struct CohortFile: Hashable, Sendable, Decodable {
    /// Little-endian float32: vectors of unit length, as wide as the network's, one after another.
    package let members: ModelFile
    /// How many of the members, those most alike, make a face's cohort score: the mean of its cosines to them.
    package let nearest: Int
    /// What both faces' scores above the usual are multiplied by; the distance grows by its exponential.
    package let weight: Float
    /// The score at which a distance stays as it is.
    package let usual: Float

    private enum CodingKeys: String, CodingKey {
        case nearest, weight, usual
    }

    package init(from decoder: any Decoder) throws {
        members = try ModelFile(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        nearest = try container.decode(Int.self, forKey: .nearest)
        weight = try container.decode(Float.self, forKey: .weight)
        usual = try container.decode(Float.self, forKey: .usual)
        guard nearest > 0 else { throw decoder.refuse(CodingKeys.nearest, "not positive") }
        guard weight >= 0 else { throw decoder.refuse(CodingKeys.weight, "below 0") }
        guard (-1...1).contains(usual) else { throw decoder.refuse(CodingKeys.usual, "not a cosine") }
    }
}

/// How the known faces that come after the nearest bear on the distance to it.
package struct Impostors: Hashable, Sendable, Decodable {
    /// How many of them.
    package let count: Int
    /// What their likeness above the usual is multiplied by; the distance grows by its exponential.
    package let weight: Float
    /// The likeness (mean cosine) up to which they say nothing.
    package let usual: Float

    private enum CodingKeys: String, CodingKey {
        case count, weight, usual
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        count = try container.decode(Int.self, forKey: .count)
        weight = try container.decode(Float.self, forKey: .weight)
        usual = try container.decode(Float.self, forKey: .usual)
        guard count > 0 else { throw decoder.refuse(CodingKeys.count, "not positive") }
        guard weight >= 0 else { throw decoder.refuse(CodingKeys.weight, "below 0") }
        guard (-1...1).contains(usual) else { throw decoder.refuse(CodingKeys.usual, "not a cosine") }
    }
}
