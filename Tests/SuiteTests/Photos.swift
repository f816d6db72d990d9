import FoundationEssentials

/// Pictures that the tests post.
enum Photos {
    /// NASA's portrait of Eileen Collins: one large face.
    static var astronaut: Data { get throws { try photo("astronaut.png") } }
    static var obama: Data { get throws { try photo("obama.jpg") } }
    static var biden: Data { get throws { try photo("biden.jpg") } }

    private static func photo(_ name: String) throws -> Data {
        try Data(contentsOf: URL(filePath: "\(RunningSuite.root)Tests/VisionTests/Photos/\(name)"))
    }

    /// A grey PNG of 64 x 64 pixels, in which nobody can be seen.
    static let nobody = png(
        "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAKUlEQVR42u3MQREAAAwCIKMb3RD77SAA6VEEAoFAIBAIBAKBQCAQfA8G320A"
            + "eXC6efoAAAAASUVORK5CYII=")

    /// A PNG of 74 bytes that says it is 60,000 x 60,000 pixels large.
    static let bomb = png(
        "iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAIAAAAPsOIVAAAAEUlEQVR4nGNgGAWjYBQMdwAAA+gAAbOm00YAAAAASUVORK5CYII=")

    private static func png(_ base64: String) -> Data {
        Data(base64Encoded: base64) ?? Data()
    }
}
