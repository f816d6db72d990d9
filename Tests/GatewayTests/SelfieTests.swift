import Broker
import Foundation
import Gateway
import Hummingbird
import HummingbirdTesting
import HTTPTypes
import Messages
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct SelfieTests {
    let user = UserID.random()
    let picture = ByteBuffer(bytes: [0xff, 0xd8, 0xff, 0xe0, 1, 2, 3])

    @Test func tellsHowSomebodyWasFoundAndWhoTheyMayBeToo() async throws {
        let other = UserID.random()
        let gateway = Scripted.gateway { (_: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
            var answer = Example.recommended(user)
            (answer.person.by, answer.person.sameAs) = (.claim, [other])
            return Scripted.envelope(answer, header)
        }
        try await Scripted.test(gateway) { client in
            let response = try await client.execute(uri: "/v1/selfies", method: .post, body: picture)
            let body = try #require(
                try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
            let person = try #require(body["user"] as? [String: Any])
            #expect(person["by"] as? String == "claim")
            #expect(person["same_as"] as? [String] == [other.description])
        }
    }

    @Test func answersInSnakeCaseAndSetsTheCookie() async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [.contentType: "image/jpeg"], body: picture
            ) { response in
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "application/json")
                let cookie = try #require(response.headers[.setCookie])
                #expect(cookie.contains("mien_user=\(user)"))
                #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"))
                let body = try #require(
                    try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
                #expect((body["user"] as? [String: Any])?["id"] as? String == user.description)
                #expect((body["user"] as? [String: Any])?["status"] as? String == "returning")
                #expect(body["recommendation_version"] as? Int == 7)
                let videos = try #require(body["recommendations"] as? [[String: Any]])
                #expect(videos.map { $0["video_id"] as? String }.first == "aaaaaaaaaa1")
                #expect(videos.count == 6)
                let face = try #require(body["face"] as? [String: Any])
                #expect((face["landmarks"] as? [String: Any])?.keys.contains("left_eye") == true)
                // Names that are data and not the API's own stay as they are.
                #expect((body["models"] as? [String: String]) == ["mood_net": "mood-1"])
            }
        }
    }

    /// The cookie is the person's only handle to what is kept of them.
    @Test func anUncertainPersonKeepsTheCookie() async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: nil))) { client in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [.cookie: "mien_user=\(user)"], body: picture)
            #expect(response.status == .ok)
            #expect(response.headers[.setCookie] == nil)
            let answer = try JSON.decode(SelfieAnswer.self, from: Data(response.body.readableBytesView))
            #expect(answer.user.status == .uncertain)
            #expect(answer.user.reason == .ambiguous)
            #expect(answer.user.id == nil)
        }
    }

    @Test func passesOnWhatTheQuerySays() async throws {
        let seen = Seen()
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user, recording: seen))) { client in
            let uri = "/v1/selfies?playing=gf6v59c5yuY&session=play-1&as=new&want=lift&consent=2026-11"
            let response = try await client.execute(uri: uri, method: .post, body: picture)
            #expect(response.status == .ok)
        }
        let message = try #require(seen.first as? ImageSubmitted)
        #expect(message.request.watching == Watching(video: Example.video, session: "play-1"))
        #expect(message.request.declaredNew)
        #expect(message.request.want == .lift)
        #expect(message.request.consent == "2026-11")
        #expect(message.image == Data(picture.readableBytesView))
        let header = try #require(seen.header)
        #expect(header.trip == .selfie && header.reply.urgency == .interactive && header.reply.gateway != nil)
        let deadline = try #require(header.reply.deadline)
        #expect((10...15).contains(deadline.timeIntervalSinceNow))
    }

    @Test func claimsComeFromTheQueryAndThenTheCookie() async throws {
        let people = (0..<12).map { _ in UserID.random() }
        let seen = Seen()
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user, recording: seen))) { client in
            let cookie = "mien_user=" + people.dropFirst().map(\.description).joined(separator: ".")
            for uri in ["/v1/selfies?as=known&claim=\(people[3])&claim=\(people[0])", "/v1/analyses"] {
                _ = try await client.execute(uri: uri, method: .post, headers: [.cookie: cookie], body: picture)
            }
        }
        let requests = seen.messages.compactMap { ($0 as? ImageSubmitted)?.request }
        #expect(requests.map(\.declaredKnown) == [true, false])
        #expect(requests[0].claims == [3, 0, 1, 2, 4, 5, 6, 7].map { people[$0] })
        // An analysis names nobody.
        #expect(requests[1].claims.isEmpty)
    }

    /// The answer that was lost may have set the cookie.
    @Test func aRetryIsTheSameJobWhateverTheCookieSays() async throws {
        let seen = Seen()
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user, recording: seen))) { client in
            for (query, cookie) in [("", ""), ("", "mien_user=\(user)"), ("?claim=\(user)", "")] {
                _ = try await client.execute(
                    uri: "/v1/selfies\(query)", method: .post,
                    headers: [.cookie: cookie, HTTPField.Name("Idempotency-Key")!: "k"], body: picture)
            }
        }
        #expect(seen.jobs.count == 3 && seen.jobs[0] == seen.jobs[1] && seen.jobs[0] != seen.jobs[2])
    }

    @Test func anAliasDoesTheSame() async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            let response = try await client.execute(uri: "/recommend", method: .post, body: picture)
            #expect(response.status == .ok)
        }
    }

    @Test(arguments: [
        "playing=short", "playing=gf6v59c5yuY&session=a%20b", "as=old", "want=", "want=more", "consent=",
        "consent=a%20b", "claim=me",
        (0...8).map { _ in "claim=\(UserID.random())" }.joined(separator: "&"),
        "playing=gf6v59c5yuY&session=" + String(repeating: "a", count: 65),
    ])
    func refusesParametersItDoesNotUnderstand(_ query: String) async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            let response = try await client.execute(uri: "/v1/selfies?\(query)", method: .post, body: picture)
            #expect(response.status == .badRequest)
            #expect(try kind(response) == "malformed-request")
        }
    }

    @Test func refusesAnEmptyBody() async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            let response = try await client.execute(uri: "/v1/selfies", method: .post)
            #expect(response.status == .badRequest)
            #expect(try kind(response) == "empty-body")
        }
    }

    @Test(arguments: ["text/html", "application/json", "application/x-www-form-urlencoded", "nonsense", "image"])
    func refusesWhatIsClearlyNoPicture(_ type: String) async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [.contentType: type], body: picture)
            #expect(response.status == .unsupportedMediaType)
        }
    }

    @Test func stopsAtTheByteLimit() async throws {
        var settings = GatewaySettings()
        settings.maximumImageBytes = 8
        let seen = Seen()
        let gateway = Scripted.gateway(settings: settings, ask: Scripted.stages(recognising: user, recording: seen))
        try await Scripted.test(gateway) { client in
            let fits = try await client.execute(
                uri: "/v1/selfies", method: .post, body: ByteBuffer(repeating: 1, count: 8))
            #expect(fits.status == .ok)
            let over = try await client.execute(
                uri: "/v1/selfies", method: .post, body: ByteBuffer(repeating: 1, count: 9))
            #expect(over.status == .contentTooLarge)
            #expect(try kind(over) == "too-large")
        }
        #expect(seen.jobs.count == 1)
    }

    private static let statuses: [Failure.Kind: Int] = [
        .malformedRequest: 400, .emptyBody: 400, .unknownUser: 404, .unknownVideo: 404, .unknownJob: 404,
        .tooLarge: 413,
        .unsupportedMediaType: 415, .corruptImage: 422, .noFace: 422, .internalError: 500, .attemptsExhausted: 502,
        .unavailable: 503, .deadlinePassed: 504,
    ]

    @Test(arguments: Failure.Kind.allCases)
    func everyFailureHasItsStatus(_ failureKind: Failure.Kind) async throws {
        let gateway = Scripted.gateway { (_: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
            Scripted.envelope(Failure(failureKind, "A sentence.", stage: .vision), header)
        }
        try await Scripted.test(gateway) { client in
            let response = try await client.execute(uri: "/v1/selfies", method: .post, body: picture)
            #expect(response.status.code == Self.statuses[failureKind])
            #expect(response.headers[.contentType] == "application/problem+json")
            #expect((response.headers[.retryAfter] != nil) == (failureKind == .unavailable))
            let body = try #require(
                try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
            #expect(body["type"] as? String == "/problems/\(failureKind.rawValue)")
            #expect(body["status"] as? Int == response.status.code)
            // What went wrong inside is not for the client.
            #expect((body["detail"] as? String == "A sentence.") == (failureKind != .internalError))
            #expect(body["stage"] as? String == "vision")
            let type = try await client.execute(uri: "/problems/\(failureKind.rawValue)", method: .get)
            #expect(type.status == .ok)
        }
    }

    @Test(arguments: [
        (BrokerError.disconnected, 503), (.blocked, 503), (.full, 503), (.unroutable, 503), (.unconfirmed, 503),
        (.deadlinePassed, 504), (.unencodable("x"), 500),
    ])
    func theBrokersTroublesAreTold(_ error: BrokerError, _ status: Int) async throws {
        let gateway = Scripted.gateway { (_: any Message, _: JobHeader) async throws(BrokerError) -> Envelope in
            throw error
        }
        try await Scripted.test(gateway) { client in
            let response = try await client.execute(uri: "/v1/selfies", method: .post, body: picture)
            #expect(response.status.code == status)
            #expect((response.headers[.retryAfter] != nil) == (status == 503))
        }
    }

    @Test func anAnswerOfTheWrongKindIsAnInternalError() async throws {
        let gateway = Scripted.gateway { (_: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
            Scripted.envelope(FaceAnalysed(analysis: Example.analysis), header)
        }
        try await Scripted.test(gateway) { client in
            let response = try await client.execute(uri: "/v1/selfies", method: .post, body: picture)
            #expect(response.status == .internalServerError)
        }
    }

    @Test func acceptingNeedsTheDatabase() async throws {
        try await Scripted.test(Scripted.gateway()) { client in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [HTTPField.Name("Prefer")!: "respond-async"], body: picture)
            #expect(response.status == .serviceUnavailable)
        }
    }

    @Test func aSelfieMayHaveToSayByWhichTextItsPersonAgreed() async throws {
        var settings = GatewaySettings()
        settings.requireConsent = true
        let gateway = Scripted.gateway(settings: settings, ask: Scripted.stages(recognising: user))
        try await Scripted.test(gateway) { client in
            for path in ["/v1/selfies", "/recommend"] {
                let refused = try await client.execute(uri: path, method: .post, body: picture)
                #expect(refused.status == .badRequest)
                #expect(String(buffer: refused.body).contains("parameter consent"))
                let taken = try await client.execute(uri: "\(path)?consent=1", method: .post, body: picture)
                #expect(taken.status == .ok)
            }
            // Nobody is recognised.
            #expect(try await client.execute(uri: "/v1/analyses", method: .post, body: picture).status != .badRequest)
        }
    }

    @Test func tellsAllFacesOfAPicture() async throws {
        let seen = Seen()
        let ask: Scripted.Ask = { (message: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
            seen.note(message, header)
            let face = Example.analysis.face
            return Scripted.envelope(FacesFound(image: Example.analysis.image, faces: [face, face]), header)
        }
        try await Scripted.test(Scripted.gateway(ask: ask)) { client in
            let response = try await client.execute(uri: "/v1/analyses?faces=all", method: .post, body: picture)
            #expect(response.status == .ok)
            #expect(response.headers[.setCookie] == nil)
            let answer = try JSON.decode(FacesAnswer.self, from: Data(response.body.readableBytesView))
            #expect(answer.image == Example.analysis.image && answer.faces.count == 2)
            #expect(answer.faces[0].box == Example.analysis.face.box)
            let wrong = try await client.execute(uri: "/v1/analyses?faces=2", method: .post, body: picture)
            #expect(wrong.status == .badRequest)
        }
        #expect(seen.headers.map(\.trip) == [.faces])
    }

    @Test func analysesWithoutAPerson() async throws {
        let gateway = Scripted.gateway { (_: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
            Scripted.envelope(FaceAnalysed(analysis: Example.analysis), header)
        }
        try await Scripted.test(gateway) { client in
            let response = try await client.execute(uri: "/v1/analyses", method: .post, body: picture)
            #expect(response.status == .ok)
            #expect(response.headers[.setCookie] == nil)
            let answer = try JSON.decode(AnalysisAnswer.self, from: Data(response.body.readableBytesView))
            #expect(answer.mood == Example.analysis.mood)
        }
    }

    @Test func takesTheFieldOfAForm() async throws {
        let seen = Seen()
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user, recording: seen))) { client in
            let form =
                "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nPIXELS\r\n--b--\r\n"
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [.contentType: "multipart/form-data; boundary=b"],
                body: ByteBuffer(string: form))
            #expect(response.status == .ok)
        }
        #expect((seen.first as? ImageSubmitted)?.image == Data("PIXELS".utf8))
    }

    @Test(arguments: [
        ("multipart/form-data", "--b\r\n\r\n--b--", 400),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"photo\"\r\n\r\nX\r\n--b--", 400
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"image\"\r\nContent-Type: text/plain\r\n\r\nX\r\n--b--", 415
        ),
        (
            "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n\r\n--b--",
            400
        ),
        ("multipart/form-data; boundary=b", "", 400),
        ("multipart/form-data; boundary=b; boundary=c", "--b--", 400),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=image\r\nContent-Transfer-Encoding: base64\r\n\r\nWA==\r\n--b--",
            415
        ),
    ])
    func refusesFormsWithoutAPicture(_ type: String, _ body: String, _ status: Int) async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [.contentType: type], body: ByteBuffer(string: body))
            #expect(response.status.code == status)
        }
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=----=_Part_10_42.13", "x", "does not contain its boundary"),
        ("multipart/form-data", "x", "names its boundary"),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"\"\r\n\r\n\r\n--b--",
            "No file was chosen"
        ),
        (
            "multipart/form-data; boundary=b", "--b\nContent-Disposition: form-data; name=\"image\"\n\nx\n--b--\n",
            "must end in CRLF"
        ),
        ("text/plain", "x", "not as text/plain"), ("image/jpeg", "", "send the picture"),
    ])
    func saysWhatIsWrongWithABody(_ type: String, _ body: String, _ sentence: String) async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            let response = try await client.execute(
                uri: "/v1/analyses", method: .post, headers: [.contentType: type], body: ByteBuffer(string: body))
            #expect(String(buffer: response.body).contains(sentence))
        }
    }

    @Test(arguments: ["image/jpeg; name=my photo.jpg", "image/jpeg, image/jpeg", "", "image/jpeg; \u{e9}"])
    func takesAPictureUnderAnySpellingOfItsType(_ type: String) async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [.contentType: type], body: picture)
            #expect(response.status == .ok)
        }
    }

    @Test func aCompressedBodyIsNamed() async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            for (coding, status) in [("gzip", 415), ("br, gzip", 415), ("identity", 200), ("", 200)] {
                let response = try await client.execute(
                    uri: "/v1/selfies", method: .post,
                    headers: [.contentType: "image/jpeg", .contentEncoding: coding], body: picture)
                #expect(response.status.code == status)
                if status == 415 {
                    #expect(String(buffer: response.body).contains("Content-Encoding: \(coding.prefix(2))"))
                    #expect(response.headers[.acceptEncoding] == "identity")
                }
            }
        }
    }

    @Test func saysWhetherAReactionWasKept() async throws {
        for (fate, stored, reason) in [
            (ReactionFate.stored, true, nil), (.unknownVideo, false, "unknown_video"),
            (.unknownPerson, false, "unknown_person"), (nil, nil, nil),
        ] as [(ReactionFate?, Bool?, String?)] {
            let user = user
            let gateway = Scripted.gateway {
                (_: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
                var answer = Example.recommended(user)
                answer.reaction = fate
                return Scripted.envelope(answer, header)
            }
            try await Scripted.test(gateway) { client in
                let response = try await client.execute(uri: "/v1/selfies", method: .post, body: picture)
                let body = try #require(
                    try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
                let reaction = try #require(body["reaction"] as? [String: Any])
                #expect(reaction["stored"] as? Bool == stored)
                #expect(reaction["reason"] as? String == reason)
                #expect(reaction["rating"] as? Int == 1)
            }
        }
    }

    @Test func theSameKeyIsTheSameJob() async throws {
        let seen = Seen()
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user, recording: seen))) { client in
            for (path, key, body) in [
                ("/v1/selfies", "one", picture), ("/v1/selfies", "one", picture), ("/recommend", "one", picture),
                ("/v1/selfies", "two", picture), ("/v1/selfies", "one", ByteBuffer(string: "another picture")),
                ("/v1/selfies?as=new", "one", picture),
            ] {
                let response = try await client.execute(
                    uri: path, method: .post, headers: [HTTPField.Name("Idempotency-Key")!: key], body: body)
                #expect(response.status == .ok)
            }
        }
        let jobs = seen.jobs
        #expect(jobs[0] == jobs[1] && jobs[0] == jobs[2])
        #expect(Set(jobs).count == 4)
    }

    @Test func refusesTwoKeys() async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            var headers = HTTPFields()
            headers[values: HTTPField.Name("Idempotency-Key")!] = ["a", "b"]
            let response = try await client.execute(uri: "/v1/selfies", method: .post, headers: headers, body: picture)
            #expect(response.status == .badRequest)
        }
    }

    @Test(arguments: ["", "with space", String(repeating: "k", count: 256)])
    func refusesKeysThatAreNone(_ key: String) async throws {
        try await Scripted.test(Scripted.gateway(ask: Scripted.stages(recognising: user))) { client in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: [HTTPField.Name("Idempotency-Key")!: key], body: picture)
            #expect(response.status == .badRequest)
        }
    }
}

/// The last part of a problem's type.
func kind(_ response: TestResponse) throws -> String? {
    let body = try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any]
    return (body?["type"] as? String)?.split(separator: "/").last.map(String.init)
}
