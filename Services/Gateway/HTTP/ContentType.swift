package import HTTPTypes
package import Messages

/// The value of a Content-Type header: `type/subtype; name=value`.
package struct ContentType: Hashable, Sendable {
    /// `type/subtype`, in lower case.
    package var essence: String
    package var parameters: HeaderParameters

    /// `nil` when the text names no media type. Given twice, as proxies join a repeated header, it must be the same one.
    package init?(_ text: some StringProtocol) {
        let end = text.firstIndex(of: ";") ?? text.endIndex
        let essences = Set(text[..<end].split(separator: ",").map { String($0).lowercased()[...].trimmed })
        guard let essence = essences.first, essences.count == 1 else { return nil }
        let halves = essence.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isTokenByte) }) else {
            return nil
        }
        self.essence = String(essence)
        parameters = HeaderParameters(text[end...])
    }

    /// Whether a picture may be sent under this type. What the bytes are is for vision to see.
    package var mayBePicture: Bool {
        essence == "application/octet-stream" || essence.hasPrefix("image/")
    }
}

extension ContentType {
    /// The type of a request's body, or `nil` where none is named.
    ///
    /// - Parameter wanted: what the path takes, for the sentence of the failure.
    /// - Throws: `unsupportedMediaType` when what is named is no type; `malformedRequest` when two are named.
    package init?(_ headers: HTTPFields, wanted: String) throws(Failure) {
        let values = headers[values: .contentType].filter { !$0[...].trimmed.isEmpty }
        guard let first = values.first else { return nil }
        guard let type = ContentType(first) else { throw .unsupported(first, wanted: wanted) }
        for value in values.dropFirst() where ContentType(value) != type {
            throw Failure(
                .malformedRequest, "The request has two Content-Types: \(first.prefix(100)) and \(value.prefix(100)).")
        }
        self = type
    }
}

extension Failure {
    /// A body of a type that its path does not take.
    static func unsupported(_ type: some StringProtocol, wanted: String) -> Failure {
        Failure(.unsupportedMediaType, "Send \(wanted), not as \(type.prefix(100)).")
    }
}
