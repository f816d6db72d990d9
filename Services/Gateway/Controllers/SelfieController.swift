import Broker
import Hummingbird
import Messages

/// Pictures: selfies, which are recognised, and analyses, of which nothing is stored.
struct SelfieController: Sendable {
    let settings: GatewaySettings
    let jobs: Jobs
    let upload: ImageUpload
    let cookie: PersonCookie

    var routes: [Route] {
        [
            Route(.post, "/v1/selfies", selfie),
            Route(.post, "/recommend", selfie),
            Route(.post, "/v1/analyses", effect: .work, analysis),
        ]
    }

    private func selfie(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let said = try SelfieRequest(request.uri)
        guard !settings.requireConsent || said.consent != nil else {
            throw Failure(
                .malformedRequest,
                "Nobody is recognised here who has not agreed: the parameter consent names the text that they were shown."
            )
        }
        return try await upload.withPicture(in: request, context) { image in
            try await look(.selfie, ImageSubmitted(request: said, image: image), request)
        }
    }

    private func analysis(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let said = try SelfieRequest(request.uri)
        let trip = try Self.trip(of: request)
        return try await upload.withPicture(in: request, context) { image in
            try await look(trip, ImageSubmitted(request: said, image: image), request)
        }
    }

    /// An analysis is of the largest face, or of where all are.
    private static func trip(of request: Request) throws(Failure) -> Trip {
        switch request.uri.queryParameters["faces"] {
        case nil: .analysis
        case "all": .faces
        default: throw Failure(.malformedRequest, "The parameter faces can only be all.")
        }
    }

    private func look(_ trip: Trip, _ said: ImageSubmitted, _ request: Request) async throws -> Response {
        // Its keys are sorted: the same request must give the same bytes. The cookie, which an answer may have changed, is none
        // of them.
        let content = JSON.encode(said.request)
        let job = try IdempotencyKey(request.headers)?.job(trip, content: [content, said.image]) ?? .random()
        var message = said
        if trip == .selfie { message.request.claim(cookie.people(in: request)) }
        let preference = Preference(request.headers)
        guard preference.respondsAsync else {
            return try response(try await jobs.ask(trip, message, job, preference), to: request)
        }
        let record = try await jobs.accept(
            trip, message, job, waiting: preference.wait(usually: .zero, atMost: settings.longestWait))
        switch record?.result {
        case .selfie(let answer)?: return response(answer, to: request)
        case .analysis(let answer)?: return .json(answer)
        case .faces(let answer)?: return .json(answer)
        case .merge, nil: return .accepted(record, job, trip)
        }
    }

    /// A selfie's or an analysis's answer, from the message that ended the trip.
    private func response(_ envelope: Envelope, to request: Request) throws -> Response {
        switch envelope.header.trip {
        case .selfie:
            response(SelfieAnswer(try envelope.decode(Recommended.self), header: envelope.header), to: request)
        case .faces: .json(FacesAnswer(try envelope.decode(FacesFound.self), header: envelope.header))
        default: .json(AnalysisAnswer(try envelope.decode(FaceAnalysed.self), header: envelope.header))
        }
    }

    private func response(_ answer: SelfieAnswer, to request: Request) -> Response {
        var response = Response.json(answer)
        if let user = answer.user.id {
            cookie.set([user] + cookie.people(in: request).filter { $0 != user }, on: &response)
        }
        return response
    }
}
