/// The network that sees expressions: two sets of probabilities for the mood, and a vector for the reaction.
package struct ExpressionNetwork: Hashable, Sendable, Decodable {
    /// The name of the output that is the expression vector; the caller brings it to unit length.
    package static let expression = "expression"

    package let network: Network
    /// The labels of each output of calibrated probabilities, by the output's name, in the order of its values.
    package let labels: [String: [String]]
    /// The labels of `ferplus` that make up each mood, by the mood's name; together they are all the labels, each once.
    package let moods: [String: [String]]
    package let reaction: ReactionReferences

    private enum CodingKeys: String, CodingKey {
        case labels, moods, reaction, outputs, input
    }

    package init(from decoder: any Decoder) throws {
        network = try Network(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        labels = try container.decode([String: [String]].self, forKey: .labels)
        moods = try container.decode([String: [String]].self, forKey: .moods)
        reaction = try container.decode(ReactionReferences.self, forKey: .reaction)
        guard network.input.template != nil else { throw decoder.refuse(CodingKeys.input, "no template") }
        guard let width = network.outputs[Self.expression] else {
            throw decoder.refuse(CodingKeys.outputs, "no output \"\(Self.expression)\"")
        }
        guard let ferplus = labels["ferplus"] else { throw decoder.refuse(CodingKeys.labels, "none for ferplus") }
        for (output, names) in labels
        where network.outputs[output] != names.count || Set(names).count != names.count {
            throw decoder.refuse(CodingKeys.labels, "not one name for each value of the output \"\(output)\"")
        }
        guard moods.values.joined().sorted() == ferplus.sorted() else {
            throw decoder.refuse(CodingKeys.moods, "not every label of ferplus, each once")
        }
        guard reaction.references.allSatisfy({ $0.vector.count == width }) else {
            throw decoder.refuse(CodingKeys.reaction, "a reference is not as wide as the output \"\(Self.expression)\"")
        }
    }
}

/// The expressions that say "I enjoy this" and how near is near enough: the paper's f(user).
package struct ReactionReferences: Hashable, Sendable, Decodable {
    /// The greatest Euclidean distance between unit vectors (0...2) at which the nearest reference rates 1.
    package let tau: Float
    package let references: [Reference]

    /// One expression by name, as a unit vector.
    package struct Reference: Hashable, Sendable, Decodable {
        package let name: String
        package let vector: [Float]
    }

    private enum CodingKeys: String, CodingKey {
        case tau, references
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        tau = try container.decode(Float.self, forKey: .tau)
        references = try container.decode([Reference].self, forKey: .references)
        guard (0...2).contains(tau) else { throw decoder.refuse(CodingKeys.tau, "not in 0...2") }
        guard !references.isEmpty else { throw decoder.refuse(CodingKeys.references, "empty") }
        for reference in references {
            let square = reference.vector.reduce(0) { $0 + $1 * $1 }
            guard abs(square - 1) < 1e-3 else {
                throw decoder.refuse(CodingKeys.references, "\"\(reference.name)\" is not of unit length")
            }
        }
    }
}
