import FoundationEssentials
import Hummingbird
import Messages

/// Which users are one person, and that they are two after all.
struct MergeController: Sendable {
    let settings: GatewaySettings
    let jobs: Jobs
    let reader: BodyReader
    let cookie: PersonCookie

    var routes: [Route] {
        [
            Route(.post, "/v1/users/{id}/merges", merge),
            Route(.delete, "/v1/users/{id}/merges/{other}", part),
        ]
    }

    private func merge(_ request: Request, _ context: EdgeContext) async throws -> Response {
        struct Merge: Decodable, Sendable {
            var user: String
        }
        let user = try cookie.user(context.parameters.get("id"), in: request)
        let said = try await reader.json(
            Merge.self, in: request, context, example: #"{"user": "3e1f6bb0-5b1d-4a2c-8f6e-0d4c5a1b2c3d"}"#)
        return try await carryOut(MergeRequested(user: user, other: try other(said.user)), request)
    }

    private func part(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let user = try cookie.user(context.parameters.get("id"), in: request)
        let other = try other(context.parameters.get("other") ?? "")
        return try await carryOut(MergeRequested(user: user, other: other, isUndone: true), request)
    }

    private func other(_ text: String) throws(Failure) -> UserID {
        guard let user = UserID(text) else {
            throw Failure(.malformedRequest, "The other user's id is a UUID.")
        }
        return user
    }

    /// Accepted, since two stages must not end up with one of them merged.
    private func carryOut(_ message: MergeRequested, _ request: Request) async throws -> Response {
        guard message.user != message.other else {
            throw Failure(.malformedRequest, "The other user must be another one.")
        }
        let content = [message.user.description, message.other.description, "\(message.isUndone)"].map { Data($0.utf8) }
        let key = try IdempotencyKey(request.headers)
        let job = key?.job(.merge, content: content) ?? .random()
        let wait = Preference(request.headers).wait(usually: settings.deadline, atMost: settings.deadline)
        let record = try await jobs.accept(.merge, message, job, waiting: wait)
        guard case .merge(let answer)? = record?.result else { return .accepted(record, job, .merge) }
        // Nobody was told the id of a job without a key.
        if key == nil { await jobs.forget(job) }
        return .json(answer)
    }
}
