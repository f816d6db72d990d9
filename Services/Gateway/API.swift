import Broker
import Database
import FoundationEssentials
import HTTPTypes
import Hummingbird
package import HummingbirdCore
package import Logging
package import Messages
import NIOCore

/// The REST API: turns requests into jobs and what comes of them into responses.
package struct API: Sendable {
    private let settings: GatewaySettings
    private let gateway: GatewayID
    private let dispatcher: Dispatcher
    private let jobs: JobStore
    private let logger: Logger
    private let reader: BodyReader
    private let upload: ImageUpload
    private let cookie: PersonCookie

    package init(
        settings: GatewaySettings, gateway: GatewayID, dispatcher: Dispatcher, jobs: JobStore, logger: Logger
    ) {
        self.settings = settings
        self.gateway = gateway
        self.dispatcher = dispatcher
        self.jobs = jobs
        self.logger = logger
        reader = BodyReader(timeLimit: settings.bodyTimeout, budget: BodyBudget(settings.bodyMemory))
        upload = ImageUpload(maximumBytes: settings.maximumImageBytes, reader: reader)
        cookie = PersonCookie(secure: settings.secureCookie)
    }

    package var routes: [Route] {
        [
            Route(.get, "/") { request, _ in PageFiles.page.response(to: request) },
            Route(.get, "/getRecommend") { request, _ in PageFiles.page.response(to: request) },
            Route(.get, "/page/{file}", pageFile),
            Route(.get, "/openapi.yaml") { request, _ in PageFiles.description.response(to: request) },
            Route(.get, "/problems/{kind}", problemType),
            Route(.post, "/v1/selfies", selfie),
            Route(.post, "/recommend", selfie),
            Route(.post, "/v1/analyses", effect: .work, analysis),
            Route(.get, "/v1/jobs/{id}", job),
            Route(.get, "/v1/users/{id}", user),
            Route(.delete, "/v1/users/{id}", erase),
            Route(.get, "/v1/users/{id}/recommendations", recommendations),
            Route(.post, "/v1/users/{id}/clicks", click),
            Route(.get, "/goData", goData),
            Route(.get, "/goUpdate", effect: .change, goUpdate),
        ]
    }

    // MARK: The page

    private func pageFile(_ request: Request, _ context: EdgeContext) throws -> Response {
        guard let file = context.parameters.get("file").flatMap({ PageFiles.parts[$0] }) else {
            throw Problem(.notFound, "The page has no such file.")
        }
        return file.response(to: request)
    }

    private func problemType(_ request: Request, _ context: EdgeContext) throws -> Response {
        guard let kind = context.parameters.get("kind").flatMap(Failure.Kind.init) else {
            throw Problem(.notFound, "There is no such type of problem.")
        }
        let (status, title) = Problem.table(kind)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: "\(title). Status \(status.code).\n")))
    }

    // MARK: Pictures

    private func selfie(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let said = try SelfieRequest(request.uri)
        return try await upload.withPicture(in: request, context) { image in
            try await look(.selfie, ImageSubmitted(request: said, image: image), request)
        }
    }

    private func analysis(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let said = try SelfieRequest(request.uri)
        return try await upload.withPicture(in: request, context) { image in
            try await look(.analysis, ImageSubmitted(request: said, image: image), request)
        }
    }

    private func look(_ trip: Trip, _ message: ImageSubmitted, _ request: Request) async throws -> Response {
        // Its keys are sorted: the same request must give the same bytes.
        let content = JSON.encode(message.request)
        let job = try IdempotencyKey(request.headers)?.job(trip, content: [content, message.image]) ?? .random()
        let preference = Preference(request.headers)
        guard preference.respondsAsync else {
            return try response(try await ask(trip, message, job, preference), to: request)
        }
        let record = try await accept(
            trip, message, job, waiting: preference.wait(usually: .zero, atMost: settings.longestWait))
        switch record?.result {
        case .selfie(let answer)?: return response(answer, to: request)
        case .analysis(let answer)?: return json(answer)
        case nil: return accepted(record, job, trip)
        }
    }

    /// A selfie's or an analysis's answer, from the message that ended the trip.
    private func response(_ envelope: Envelope, to request: Request) throws -> Response {
        if envelope.header.trip == .selfie {
            response(SelfieAnswer(try envelope.decode(Recommended.self), header: envelope.header), to: request)
        } else {
            json(AnalysisAnswer(try envelope.decode(FaceAnalysed.self), header: envelope.header))
        }
    }

    private func response(_ answer: SelfieAnswer, to request: Request) -> Response {
        var response = json(answer)
        if let user = answer.user.id {
            cookie.set([user] + cookie.people(in: request).filter { $0 != user }, on: &response)
        }
        return response
    }

    // MARK: Jobs

    private func job(_ request: Request, _ context: EdgeContext) async throws -> Response {
        guard let id = context.parameters.get("id").flatMap({ JobID($0) }) else {
            throw Failure(.malformedRequest, "A job id is a UUID.")
        }
        let wait = Preference(request.headers).wait(usually: .zero, atMost: settings.longestWait)
        let record: JobRecord?
        do {
            record = try await jobs.job(id, waiting: wait)
        } catch {
            throw failure(error)
        }
        guard let record else { throw Failure(.unknownJob, "No accepted job has this id, or it was cleared away.") }
        return json(record)
    }

    // MARK: Users

    private func user(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let user = try person(request, context)
        let envelope = try await ask(.user, UserRequested(user: user), .random(), Preference(request.headers))
        return json(UserAnswer(try envelope.decode(UserDescribed.self)))
    }

    private func recommendations(_ request: Request, _ context: EdgeContext) async throws -> Response {
        json(RecommendationsAnswer(try await listed(try person(request, context), request)))
    }

    private func goData(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let answer = try await listed(try cookiePerson(request), request)
        return json(answer.recommendations.map { NamedLink(name: $0.title, url: $0.url) })
    }

    private func listed(_ user: UserID, _ request: Request) async throws -> RecommendationsListed {
        let envelope = try await ask(
            .recommendations, UserRequested(user: user), .random(), Preference(request.headers))
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
        return try await clicked(try cookiePerson(request), try video(text), request)
    }

    private func clicked(_ user: UserID, _ video: VideoID, _ request: Request) async throws -> Response {
        let content = [Data(user.description.utf8), Data(video.rawValue.utf8)]
        let job = try IdempotencyKey(request.headers)?.job(.click, content: content) ?? .random()
        let message = VideoClicked(user: user, video: video)
        _ = try await ask(.click, message, job, Preference(request.headers)).decode(ClickRecorded.self)
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
        let record = try await accept(.erasure, ErasureRequested(users: users), job, waiting: wait)
        guard record?.state == .done else { return accepted(record, job, .erasure) }
        // Nobody was told the id of a job without a key. Should this fail, the sweep clears it away.
        if key == nil { try? await jobs.forget(job) }
        var response = Response(status: .noContent)
        let left = remembered.filter { !users.contains($0) }
        if left != remembered { cookie.set(left, on: &response) }
        return response
    }

    // MARK: Both kinds of jobs

    /// Has an interactive job done and waits for what ends it.
    ///
    /// - Throws: the `Failure` that ended it, or that kept it from being done.
    private func ask(_ trip: Trip, _ message: any Message, _ job: JobID, _ preference: Preference) async throws
        -> Envelope
    {
        let began = ContinuousClock.now
        let limit = preference.wait(usually: settings.deadline, atMost: settings.deadline)
        let deadline = Date(timeIntervalSinceNow: limit.seconds)
        let header = JobHeader(
            job: job, trip: trip, reply: .interactive(deadline: deadline, gateway: gateway), published: .now)
        do {
            let envelope = try await dispatcher.ask(message, header, deadline)
            if envelope.type == Failure.name { throw try envelope.decode(Failure.self) }
            log(job, trip, outcome: "answered", since: began)
            return envelope
        } catch let failure as Failure {
            log(job, trip, outcome: failure.kind.rawValue, since: began)
            throw failure
        } catch let error as BrokerError {
            if error == .cancelled { throw CancellationError() }
            let failure = Failure(error)
            log(job, trip, outcome: failure.kind.rawValue, since: began)
            throw failure
        }
    }

    /// Accepts a job: it is written down, then handed to the broker, and cannot be lost from then on.
    ///
    /// Returns the job as it stands after `limit`, or `nil` where that cannot be told at the moment.
    private func accept(
        _ trip: Trip, _ message: any Message, _ job: JobID, waiting limit: Duration
    ) async throws -> JobRecord? {
        let began = ContinuousClock.now
        let entry: JobStore.Entry
        do {
            entry = try await jobs.insert(job, trip)
        } catch {
            throw failure(error)
        }
        let header = JobHeader(job: job, trip: trip, reply: .accepted, published: .now, submitted: entry.created)
        // A job that came before and is still queued is handed over again: a gateway may have died between writing it down and
        // handing it over. Its effects count once.
        if entry.state == .queued {
            do {
                try await dispatcher.accept(message, header)
            } catch {
                let failure = Failure(error)
                try? await jobs.withdraw(job, entry, failure)
                log(job, trip, outcome: failure.kind.rawValue, since: began)
                throw failure
            }
        }
        log(job, trip, outcome: "accepted", since: began)
        let record: JobRecord?
        do {
            record = try await jobs.job(job, waiting: limit)
        } catch {
            // It is accepted all the same.
            return nil
        }
        guard let record else { throw Failure(.unknownJob, "The job has ended, and its result was cleared away.") }
        if let problem = record.problem { throw problem }
        return record
    }

    private func accepted(_ record: JobRecord?, _ job: JobID, _ trip: Trip) -> Response {
        var response = json(record ?? JobRecord(id: job, trip: trip, state: .queued, created: .now))
        response.status = .accepted
        response.headers[.location] = "/v1/jobs/\(job)"
        if trip != .erasure { response.headers[.preferenceApplied] = "respond-async" }
        return response
    }

    // MARK: Pieces of requests and responses

    private func person(_ request: Request, _ context: EdgeContext) throws -> UserID {
        guard let text = context.parameters.get("id") else { throw Failure(.malformedRequest, "A user id is missing.") }
        if text == "me" { return try cookiePerson(request) }
        guard let user = UserID(text) else { throw Failure(.malformedRequest, "A user id is a UUID, or me.") }
        return user
    }

    private func cookiePerson(_ request: Request) throws(Failure) -> UserID {
        guard let user = cookie.person(in: request) else {
            throw Failure(.unknownUser, "No selfie has told yet who you are.")
        }
        return user
    }

    private func video(_ text: String) throws(Failure) -> VideoID {
        guard let video = VideoID(text) else {
            throw Failure(.malformedRequest, "A video id is eleven letters, digits, hyphens or underscores.")
        }
        return video
    }

    private func json(_ value: some Encodable) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: JSON.encode(value))))
    }

    /// What a client is told when the database did not answer.
    private func failure(_ error: DatabaseError) -> any Error {
        if error == .cancelled { return CancellationError() }
        logger.warning("The database did not answer", metadata: ["error": "\(error)"])
        return error.isTransient || error.sqlState?.hasPrefix("42P01") == true || error.sqlState == "3F000"
            ? Failure(.unavailable, "The database cannot be reached: try again in a few seconds.")
            : Failure(.internalError, "The database did not answer as expected.")
    }

    private func log(_ job: JobID, _ trip: Trip, outcome: String, since began: ContinuousClock.Instant) {
        logger.info(
            "Took a job",
            metadata: [
                "job.id": "\(job)", "job.trip": "\(trip)", "job.outcome": "\(outcome)",
                "job.milliseconds": "\(Int((ContinuousClock.now - began).seconds * 1000))",
            ])
    }
}

extension SelfieRequest {
    /// What a request's query says beside the picture.
    ///
    /// - Throws: `malformedRequest`.
    package init(_ uri: URI) throws(Failure) {
        let query = uri.queryParameters
        self.init()
        if let text = query["playing"] {
            guard let video = VideoID(String(text)) else {
                throw Failure(.malformedRequest, "The parameter playing is a video id: eleven letters, digits, - or _.")
            }
            let session = query["session"].map(String.init) ?? ""
            guard session.utf8.count <= 64, session.utf8.allSatisfy(Self.isSessionByte) else {
                throw Failure(.malformedRequest, "The parameter session is up to 64 letters, digits, dots, - or _.")
            }
            watching = Watching(video: video, session: session)
        }
        if let text = query["as"] {
            guard text == "new" else { throw Failure(.malformedRequest, "The parameter as can only be new.") }
            declaredNew = true
        }
    }

    private static func isSessionByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
