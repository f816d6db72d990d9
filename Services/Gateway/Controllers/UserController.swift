import Broker
import FoundationEssentials
import Hummingbird
import Messages

/// One user: what is kept of them, what they might like, what they chose and say, and their end.
struct UserController: Sendable {
    let settings: GatewaySettings
    let jobs: Jobs
    let reader: BodyReader
    let cookie: PersonCookie

    var routes: [Route] {
        [
            Route(.get, "/v1/users/{id}", user),
            Route(.delete, "/v1/users/{id}", erase),
            Route(.get, "/v1/users/{id}/recommendations", recommendations),
            Route(.post, "/v1/users/{id}/clicks", click),
            Route(.post, "/v1/users/{id}/feedback", feedback),
            Route(.delete, "/v1/users/{id}/feedback/{video_id}", takeFeedbackBack),
            Route(.get, "/goData", goData),
            Route(.get, "/goUpdate", effect: .change, goUpdate),
        ]
    }

    private func user(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let user = try person(request, context)
        let envelope = try await jobs.ask(.user, UserRequested(user: user), .random(), Preference(request.headers))
        return .json(UserAnswer(try envelope.decode(UserDescribed.self)))
    }

    private func recommendations(_ request: Request, _ context: EdgeContext) async throws -> Response {
        .json(RecommendationsAnswer(try await listed(try person(request, context), request)))
    }

    private func goData(_ request: Request, _ context: EdgeContext) async throws -> Response {
        guard let user = cookie.person(in: request) else { return .json(NamedLink.opening) }
        let answer = try await listed(user, request)
        return .json(answer.recommendations.map { NamedLink(name: $0.title, url: $0.url) })
    }

    private func listed(_ user: UserID, _ request: Request) async throws -> RecommendationsListed {
        let message = UserRequested(user: user, want: try MoodWish(request.uri))
        let envelope = try await jobs.ask(.recommendations, message, .random(), Preference(request.headers))
        return try envelope.decode(RecommendationsListed.self)
    }

    private func click(_ request: Request, _ context: EdgeContext) async throws -> Response {
        struct Click: Decodable, Sendable {
            var videoId: String
        }
        let user = try person(request, context)
        let click = try await reader.json(
            Click.self, in: request, context, example: #"{"video_id": "gf6v59c5yuY"}"#)
        return try await clicked(user, try video(click.videoId), request)
    }

    private func goUpdate(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let text = request.uri.queryParameters["YouTube_ID"].map(String.init) ?? request.uri.query ?? ""
        return try await clicked(try cookie.user("me", in: request), try video(text), request)
    }

    private func clicked(_ user: UserID, _ video: VideoID, _ request: Request) async throws -> Response {
        let content = [Data(user.description.utf8), Data(video.rawValue.utf8)]
        let job = try IdempotencyKey(request.headers)?.job(.click, content: content) ?? .random()
        let message = VideoClicked(user: user, video: video)
        _ = try await jobs.ask(.click, message, job, Preference(request.headers)).decode(ClickRecorded.self)
        return Response(status: .noContent)
    }

    private func feedback(_ request: Request, _ context: EdgeContext) async throws -> Response {
        struct Feedback: Decodable, Sendable {
            var videoId: String
            var kind: String
        }
        let user = try person(request, context)
        let said = try await reader.json(
            Feedback.self, in: request, context, example: #"{"video_id": "gf6v59c5yuY", "kind": "like"}"#)
        guard let kind = FeedbackKind(rawValue: said.kind) else {
            throw Failure(.malformedRequest, "The kind of feedback is like or not_for_me.")
        }
        return try await give(FeedbackGiven(user: user, video: try video(said.videoId), kind: kind), request)
    }

    private func takeFeedbackBack(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let video = try video(context.parameters.get("video_id") ?? "")
        return try await give(FeedbackGiven(user: try person(request, context), video: video, kind: nil), request)
    }

    /// The same again changes nothing, so that it needs no key.
    private func give(_ feedback: FeedbackGiven, _ request: Request) async throws -> Response {
        _ = try await jobs.ask(.feedback, feedback, .random(), Preference(request.headers)).decode(FeedbackGiven.self)
        return Response(status: .noContent)
    }

    /// Erases one user or, as `me`, everybody whom this browser's selfies showed.
    private func erase(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let user = try person(request, context)
        let remembered = cookie.people(in: request)
        let users = context.parameters.get("id") == "me" ? remembered : [user]
        let key = try IdempotencyKey(request.headers)
        let job = key?.job(.erasure, content: users.map { Data($0.description.utf8) }) ?? .random()
        let wait = Preference(request.headers).wait(usually: settings.deadline, atMost: settings.deadline)
        let record = try await jobs.accept(.erasure, ErasureRequested(users: users), job, waiting: wait)
        guard record?.state == .done else { return .accepted(record, job, .erasure) }
        // Nobody was told the id of a job without a key.
        if key == nil { await jobs.forget(job) }
        var response = Response(status: .noContent)
        let left = remembered.filter { !users.contains($0) }
        if left != remembered { cookie.set(left, on: &response) }
        return response
    }

    private func person(_ request: Request, _ context: EdgeContext) throws(Failure) -> UserID {
        try cookie.user(context.parameters.get("id"), in: request)
    }

    private func video(_ text: String) throws(Failure) -> VideoID {
        guard let video = VideoID(text) else {
            throw Failure(.malformedRequest, "A video id is eleven letters, digits, hyphens or underscores.")
        }
        return video
    }
}
