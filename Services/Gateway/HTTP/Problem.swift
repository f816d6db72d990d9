package import FoundationEssentials
package import HTTPTypes
package import Hummingbird
package import Messages

/// What a client is told when there is no answer: problem details after RFC 9457.
package struct Problem: Error, Hashable {
    package var status: HTTPResponse.Status
    /// A path of this API that explains the kind of problem, or `about:blank` where the status says it all.
    package var type: String
    package var title: String
    /// One sentence about this occurrence.
    package var detail: String
    /// The stage that gave up, if one had the job.
    package var stage: StageName?
    /// What the response carries beside the usual headers.
    package var headers: HTTPFields

    /// Seconds after which a client may try again when a part is away or a queue is full.
    package static let retryAfter = 5

    /// A failure in HTTP's terms.
    package init(_ failure: Failure) {
        let row = Self.table(failure.kind)
        status = row.status
        type = "/problems/\(failure.kind.rawValue)"
        title = row.title
        detail = failure.detail
        stage = failure.stage
        headers = [:]
        if failure.kind == .unavailable { headers[.retryAfter] = String(Self.retryAfter) }
        // What went wrong inside is for the log: it may name what a client must not know.
        if failure.kind == .internalError {
            detail = "The request could not be answered: this is a fault of the service."
        }
    }

    /// A problem of HTTP itself, which never reaches a queue.
    package init(_ status: HTTPResponse.Status, _ detail: String, headers: HTTPFields = [:]) {
        self.status = status
        type = "about:blank"
        title = status.reasonPhrase
        self.detail = detail
        self.headers = headers
    }

    /// The one table from failures to HTTP.
    package static func table(_ kind: Failure.Kind) -> (status: HTTPResponse.Status, title: String) {
        switch kind {
        case .malformedRequest: (.badRequest, "The request cannot be understood")
        case .emptyBody: (.badRequest, "The body is empty")
        case .unsupportedMediaType: (.unsupportedMediaType, "Not of a type that is taken here")
        case .tooLarge: (.contentTooLarge, "Larger than it may be")
        case .corruptImage: (.unprocessableContent, "The picture is damaged")
        case .noFace: (.unprocessableContent, "No face was found")
        case .unknownUser: (.notFound, "Nobody has this id")
        case .unknownVideo: (.notFound, "No video has this id")
        case .unknownJob: (.notFound, "No job has this id")
        case .unavailable: (.serviceUnavailable, "A part of the service is away or busy")
        case .deadlinePassed: (.gatewayTimeout, "The answer did not come in time")
        case .attemptsExhausted: (.badGateway, "The job failed as often as it may")
        case .internalError: (.internalServerError, "Something is wrong on our side")
        }
    }

    /// The problem as JSON.
    package var body: Data { JSON.encode(self) }

    /// The headers that go with it.
    package var fields: HTTPFields {
        var fields = headers
        fields[.contentType] = "application/problem+json"
        fields[.cacheControl] = "no-store"
        return fields
    }

    package var response: Response {
        Response(status: status, headers: fields, body: .init(byteBuffer: .init(bytes: body)))
    }
}

extension Problem: Encodable {
    private enum CodingKeys: CodingKey {
        case type, title, status, detail, stage
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(type, forKey: .type)
        try container.encode(title, forKey: .title)
        try container.encode(status.code, forKey: .status)
        try container.encode(detail, forKey: .detail)
        try container.encodeIfPresent(stage, forKey: .stage)
    }
}
