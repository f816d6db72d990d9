/// Why the networks cannot be used. Its description is one sentence for whoever starts the service.
package enum ModelManifestError: Error, Hashable {
    /// A file is not there or cannot be read.
    case missing(file: String)
    /// The manifest is of a form that this build does not know.
    case unknownSchema(Int)
    /// The manifest is not the JSON expected; the text says where.
    case malformed(String)
    /// The manifest has no network of this name.
    case absent(network: String)
    /// A file is the one the manifest names, and of another form than the manifest says; the text says how.
    case unfit(file: String, reason: String)
    /// A file is not the one the manifest names.
    case checksum(file: String, expected: SHA256Checksum, actual: SHA256Checksum)
}

extension ModelManifestError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let file):
            "the file \(file) is missing or cannot be read: run `make setup`, or set models.directory"
        case .unknownSchema(let schema):
            "the model manifest has schema \(schema), and this build reads schema \(ModelManifest.currentSchema)"
        case .malformed(let reason):
            "the model manifest is malformed: \(reason)"
        case .absent(let network):
            "the model manifest names no network \"\(network)\""
        case .unfit(let file, let reason):
            "the file \(file) does not fit the model manifest: \(reason)"
        case .checksum(let file, let expected, let actual):
            "the file \(file) has SHA-256 \(actual), and the model manifest wants \(expected): run `make setup`"
        }
    }
}

extension DecodingError {
    /// What is wrong and where, without Swift's own type names.
    var sentence: String {
        switch self {
        case .keyNotFound(let key, let context):
            "\(Self.place(context.codingPath + [key])) is not there"
        case .valueNotFound(_, let context):
            "\(Self.place(context.codingPath)) is null"
        case .typeMismatch(_, let context):
            "\(Self.place(context.codingPath)) is of another type than expected"
        case .dataCorrupted(let context):
            "\(Self.place(context.codingPath)): \(context.debugDescription)"
        @unknown default:
            "\(self)"
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.isEmpty
            ? "the document" : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}

extension Decoder {
    /// A decoding error at this place, for a value that is of the right type and makes no sense.
    func refuse(_ key: any CodingKey, _ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath + [key], debugDescription: reason))
    }
}
