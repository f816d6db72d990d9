package import FoundationEssentials
import HTTPTypes
package import Hummingbird
import Messages
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Reads requests' bodies within limits: of bytes, of time, and of the memory that all of them share.
package struct BodyReader: Sendable {
    /// How long a client may take to send a body.
    package var timeLimit: Duration
    package var budget: BodyBudget

    package init(timeLimit: Duration, budget: BodyBudget) {
        self.timeLimit = timeLimit
        self.budget = budget
    }

    /// Reads a body, which counts against the budget until `use` has returned.
    ///
    /// - Parameter limit: in bytes.
    /// - Throws: `Failure` of the kinds `unsupportedMediaType` (a content coding), `tooLarge` and `unavailable` (the budget is
    ///   used up, or the gateway stops); `Problem` 400 and 408; `ClientLeft`; what `use` throws.
    package func withBody<R: Sendable>(
        of request: Request, _ context: EdgeContext, limit: Int, _ use: (Data) async throws -> R
    ) async throws -> R {
        try refuseCodings(request)
        if let length = request.headers[.contentLength].flatMap(Int.init), length > limit { throw Self.tooLarge(limit) }
        if request.headers[.expect] != nil {
            context.channel.triggerUserOutboundEvent(ConnectionHandler.BodyWanted(), promise: nil)
        }
        let share = BodyBudget.Share(of: budget)
        let body = try await read(request, limit: limit, share)
        let result = try await use(body)
        withExtendedLifetime(share) {}
        return result
    }

    /// A body that is a small JSON document.
    ///
    /// - Parameter example: such a document, for the sentences of failures.
    /// - Throws: as `withBody`; `Failure` of the kinds `emptyBody`, `unsupportedMediaType` and `malformedRequest`.
    package func json<Value: Decodable & Sendable>(
        _: Value.Type, in request: Request, _ context: EdgeContext, example: String
    ) async throws -> Value {
        let wanted = "JSON (application/json) like \(example)"
        if let type = try ContentType(request.headers, wanted: wanted), type.essence != "application/json" {
            throw Failure.unsupported(type.essence, wanted: wanted)
        }
        return try await withBody(of: request, context, limit: 4096) { body in
            guard !body.isEmpty else { throw Failure(.emptyBody, "The request has no body: send \(wanted).") }
            do {
                return try JSON.decode(Value.self, from: body)
            } catch {
                throw Failure(.malformedRequest, "The body is not what this path takes: send \(wanted).")
            }
        }
    }

    /// Bodies are taken as they are: what is compressed would have to be unpacked within limits of its own.
    private func refuseCodings(_ request: Request) throws {
        let codings = request.headers[values: .contentEncoding].flatMap { $0.split(separator: ",") }.map(\.trimmed)
        guard let coding = codings.first(where: { !$0.isEmpty && $0.lowercased() != "identity" }) else { return }
        var problem = Problem(
            Failure(
                .unsupportedMediaType,
                "The body is encoded (Content-Encoding: \(coding.prefix(100))): send it as it is, without a Content-Encoding."
            ))
        problem.headers[.acceptEncoding] = "identity"
        throw problem
    }

    /// The body, given up as soon as it is known to be too large, too slow or too much.
    private func read(_ request: Request, limit: Int, _ share: BodyBudget.Share) async throws -> Data {
        try await withThrowingTaskGroup(of: Data.self) { group in
            group.addTask { try await collect(request, limit: limit, share) }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                throw Problem(.requestTimeout, "The body did not arrive in time.")
            }
            group.addTask {
                try await gracefulShutdown()
                throw Failure(.unavailable, "The service is stopping: send the request again in a few seconds.")
            }
            defer { group.cancelAll() }
            guard let body = try await group.next() else { throw CancellationError() }
            return body
        }
    }

    private func collect(_ request: Request, limit: Int, _ share: BodyBudget.Share) async throws -> Data {
        var body = Data()
        do {
            for try await buffer in request.body {
                guard body.count + buffer.readableBytes <= limit else { throw Self.tooLarge(limit) }
                guard share.grow(by: buffer.readableBytes) else { throw Self.budgetUsedUp }
                body.append(contentsOf: buffer.readableBytesView)
            }
        } catch let failure as Failure {
            throw failure
        } catch HTTPParserError.invalidEOFState {
            throw ClientLeft()
        } catch is HTTPParserError {
            throw Problem(.badRequest, "The body is not framed as the request says: its chunks or trailers are broken.")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw ClientLeft()
        }
        // A connection that is closed from this side ends its stream of parts without an error.
        if let length = request.headers[.contentLength].flatMap(Int.init), body.count < length { throw ClientLeft() }
        return body
    }

    private static let budgetUsedUp = Failure(
        .unavailable, "Too many bodies are being received already: try again in a few seconds.")

    static func tooLarge(_ limit: Int) -> Failure {
        Failure(.tooLarge, "The body is larger than the \(limit) bytes that it may have.")
    }
}

/// The client ended its side of the connection before its request was whole, or is gone altogether.
package struct ClientLeft: Error {}
