package import FoundationEssentials
import HTTPTypes
package import Hummingbird
import Messages

/// Takes the picture out of a request, within limits.
package struct ImageUpload: Sendable {
    /// The most bytes of a picture.
    package var maximumBytes: Int
    package var reader: BodyReader

    /// What a form may be bigger than the picture in it.
    package static let formOverhead = 65_536

    package init(maximumBytes: Int, reader: BodyReader) {
        self.maximumBytes = maximumBytes
        self.reader = reader
    }

    /// Reads the picture, the body itself or the field `image` of a form, which counts against the budget until `use` has returned.
    ///
    /// - Throws: `Failure` of the kinds `emptyBody`, `unsupportedMediaType`, `tooLarge` and `malformedRequest`; what
    ///   `BodyReader.withBody` throws.
    package func withPicture<R: Sendable>(
        in request: Request, _ context: EdgeContext, _ use: (Data) async throws -> R
    ) async throws -> R {
        guard let type = try ContentType(request.headers, wanted: Self.wanted), !type.mayBePicture else {
            return try await reader.withBody(of: request, context, limit: maximumBytes) { body in
                guard !body.isEmpty else { throw Self.empty }
                return try await use(body)
            }
        }
        guard type.essence == "multipart/form-data" else {
            throw Failure.unsupported(type.essence, wanted: Self.wanted)
        }
        let boundary = try boundary(type)
        return try await reader.withBody(of: request, context, limit: maximumBytes + Self.formOverhead) { body in
            try await use(try picture(in: body, boundary: boundary))
        }
    }

    private func boundary(_ type: ContentType) throws(Failure) -> String {
        let boundaries = Set(type.parameters.values(of: "boundary"))
        guard let boundary = boundaries.first else {
            throw Failure(.malformedRequest, "The Content-Type of a form names its boundary, and this one does not.")
        }
        guard boundaries.count == 1 else { throw Failure(.malformedRequest, "The Content-Type names two boundaries.") }
        return boundary
    }

    private func picture(in body: Data, boundary: String) throws(Failure) -> Data {
        guard !body.isEmpty else { throw Self.empty }
        let form: MultipartForm
        do {
            form = try MultipartForm(body, boundary: boundary)
        } catch {
            throw Failure(.malformedRequest, error.description)
        }
        let fields = form.fields.filter { $0.name == "image" }
        guard let field = fields.first, fields.count == 1 else {
            throw Failure(
                .malformedRequest,
                fields.isEmpty ? "The form has no field named image." : "The form has more than one field named image.")
        }
        guard !field.content.isEmpty else {
            throw Failure(
                .emptyBody,
                field.filename == ""
                    ? "No file was chosen for the form's field image." : "The form's field image is empty.")
        }
        if let type = field.type, !type[...].trimmed.isEmpty, ContentType(type)?.mayBePicture != true {
            throw Failure.unsupported(type, wanted: Self.wanted)
        }
        if let encoding = field.encoding {
            throw Failure(
                .unsupportedMediaType,
                "The form's field image is encoded (Content-Transfer-Encoding: \(encoding.prefix(100))): send its bytes as they are."
            )
        }
        guard field.content.count <= maximumBytes else {
            throw Failure(.tooLarge, "The picture is larger than the \(maximumBytes) bytes that it may have.")
        }
        return field.content
    }

    private static let wanted =
        "the picture as image/jpeg, image/png, application/octet-stream or the field image of multipart/form-data"

    private static let empty = Failure(.emptyBody, "The request has no body: send \(wanted).")
}
