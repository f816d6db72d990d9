package import FoundationEssentials
import HTTPTypes
package import Hummingbird
import Messages
import NIOCore

/// Takes the picture out of a request, within limits.
package struct ImageUpload: Sendable {
    /// The most bytes of a picture.
    package var maximumBytes: Int
    /// How long a client may take to send it.
    package var timeLimit: Duration

    /// What a form may be bigger than the picture in it.
    package static let formOverhead = 65_536

    package init(maximumBytes: Int, timeLimit: Duration) {
        self.maximumBytes = maximumBytes
        self.timeLimit = timeLimit
    }

    /// The picture's bytes: the body itself, or the field `image` of a form.
    ///
    /// - Throws: `Failure` of the kinds `emptyBody`, `unsupportedMediaType`, `tooLarge` and `malformedRequest`;
    ///   `Problem` 408.
    package func picture(in request: Request) async throws -> Data {
        guard let header = request.headers[.contentType] else {
            return try checked(try await body(of: request, limit: maximumBytes))
        }
        guard let type = ContentType(header) else { throw Self.unsupported(header) }
        if type.mayBePicture { return try checked(try await body(of: request, limit: maximumBytes)) }
        guard type.essence == "multipart/form-data" else { throw Self.unsupported(header) }

        let body = try await body(of: request, limit: maximumBytes + Self.formOverhead)
        guard !body.isEmpty else { throw Self.empty }
        let form: MultipartForm
        do {
            form = try MultipartForm(body, boundary: type.parameters["boundary"] ?? "")
        } catch {
            throw Failure(.malformedRequest, error.description)
        }
        let fields = form.fields.filter { $0.name == "image" }
        guard let field = fields.first, fields.count == 1 else {
            throw Failure(.malformedRequest, "The form needs exactly one field named image.")
        }
        if let text = field.type, ContentType(text)?.mayBePicture != true { throw Self.unsupported(text) }
        return try checked(field.content)
    }

    /// A small JSON body. Throws as `picture(in:)` does.
    package func json<Value: Decodable & Sendable>(_: Value.Type, in request: Request) async throws -> Value {
        if let header = request.headers[.contentType], ContentType(header)?.essence != "application/json" {
            throw Failure(.unsupportedMediaType, "The body must be application/json.")
        }
        let body = try await body(of: request, limit: 4096)
        guard !body.isEmpty else { throw Self.empty }
        do {
            return try JSON.decode(Value.self, from: body)
        } catch {
            throw Failure(.malformedRequest, "The body is not the JSON that this path takes.")
        }
    }

    /// The body, given up as soon as it is known to be too large or too slow.
    private func body(of request: Request, limit: Int) async throws -> Data {
        let tooLarge = Self.tooLarge(limit)
        if let length = request.headers[.contentLength].flatMap(Int.init), length > limit { throw tooLarge }
        return try await withThrowingTaskGroup(of: Data?.self) { group in
            group.addTask {
                var body = Data()
                do {
                    for try await buffer in request.body {
                        guard body.count + buffer.readableBytes <= limit else { throw tooLarge }
                        body.append(contentsOf: buffer.readableBytesView)
                    }
                } catch let failure as Failure {
                    throw failure
                } catch {
                    // The client left before its body had ended.
                    throw CancellationError()
                }
                return body
            }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let body = first else {
                throw Problem(.requestTimeout, "The body did not arrive in time.", headers: [.connection: "close"])
            }
            return body
        }
    }

    private func checked(_ picture: Data) throws(Failure) -> Data {
        guard !picture.isEmpty else { throw Self.empty }
        guard picture.count <= maximumBytes else { throw Self.tooLarge(maximumBytes) }
        return picture
    }

    private static var empty: Failure { Failure(.emptyBody, "The request has no body: send a picture.") }

    private static func tooLarge(_ limit: Int) -> Failure {
        Failure(.tooLarge, "The body is larger than the \(limit) bytes that it may have.")
    }

    private static func unsupported(_ type: String) -> Failure {
        Failure(
            .unsupportedMediaType,
            "Send the picture as image/jpeg, image/png, application/octet-stream or the field image of multipart/form-data, not as \(type.prefix(100))."
        )
    }
}
