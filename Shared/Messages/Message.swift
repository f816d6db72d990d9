package import FoundationEssentials

/// A past-tense fact that travels between services.
package protocol Message: Sendable {
    /// The fact's name, carried as the AMQP `type` property.
    static var name: String { get }

    /// The bytes that travel. JSON, unless the message says otherwise.
    func encoded() throws -> Data

    init(encoded: Data) throws
}

extension Message where Self: Codable {
    package func encoded() throws -> Data {
        try JSONEncoder().encode(self)
    }

    package init(encoded: Data) throws {
        self = try JSONDecoder().decode(Self.self, from: encoded)
    }
}
