import FoundationEssentials
import NIOHTTP1
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// The whole suite on real parts: RabbitMQ, Postgres, two vision and two identity workers, the gateway's REST API.
///
/// The tests share one running suite and break it on purpose, so they take turns.
@Suite(
    .enabled(if: suiteMayRun, "MIEN_TEST_HOME is not set: run `make test`"), .runningSuite, .serialized,
    .timeLimit(.minutes(20)))
struct SuiteTests {
    let suite = RunningSuite.current
    var client: SuiteClient { SuiteClient(address: suite.address) }

    // MARK: What a person gets

    @Test func aSelfieGivesWhoHowAndWhatToWatch() async throws {
        let first = try await client.selfie(
            try Photos.astronaut, query: "?as=new", headers: ["Content-Type": "image/png"])
        #expect(first.status == 200, "\(UnexpectedResponse(first))")
        let met = try first.decode(Selfie.self)
        #expect(met.user.status == "new" || met.user.status == "returning")
        #expect(met.face.probability > 0.9)
        #expect(["happy", "surprised", "neutral", "upset"].contains(met.mood.name))
        #expect(abs(met.mood.scores.values.reduce(0, +) - 1) < 0.01)
        #expect(met.reaction == nil)
        #expect(met.recommendations.map(\.rank) == Array(1...6))
        #expect(Set(met.recommendations.map(\.videoId)).count == 6)
        #expect(met.recommendations.allSatisfy { $0.url.hasSuffix($0.videoId) && !$0.title.isEmpty })
        #expect(met.timings.map(\.stage) == ["vision", "identity", "recommender"])

        let again = try await client.selfie(try Photos.astronaut).decode(Selfie.self)
        #expect(again.user.status == "returning")
        #expect(again.user.id == met.user.id)
        #expect(again.user.distance.map { $0 >= 0 } == true)
    }

    @Test func theVideoPlayingIsRatedOnceASession() async throws {
        let query = "?playing=gf6v59c5yuY&session=one"
        let rated = try await client.selfie(try Photos.astronaut, query: query).decode(Selfie.self)
        let user = try #require(rated.user.id)
        #expect(rated.reaction.map { [0, 1].contains($0.rating) } == true)
        _ = try await client.selfie(try Photos.astronaut, query: query).decode(Selfie.self)
        let reactions = try await suite.sql(
            "SELECT count(*) FROM recommender.reactions WHERE user_id = '\(user)' AND session = 'one'")
        #expect(reactions == ["1"])
        #expect(!rated.recommendations.contains { $0.videoId == "gf6v59c5yuY" })
    }

    @Test func aClickIsStoredAndUnknownPeopleAreNot() async throws {
        let person = try await client.selfie(try Photos.astronaut).decode(Selfie.self)
        let user = try #require(person.user.id)
        let video = try #require(person.recommendations.first).videoId
        let body = Data("{\"video_id\": \"\(video)\"}".utf8)
        let json = ["Content-Type": "application/json"]
        let clicked = try await client.send(.POST, "/v1/users/\(user)/clicks", headers: json, body: body)
        #expect((200..<300).contains(clicked.status), "\(UnexpectedResponse(clicked))")
        #expect(try await client.send(.GET, "/v1/users/\(user)").status == 200)
        #expect(try await client.send(.GET, "/v1/users/\(user)/recommendations").status == 200)

        let stranger = UUID().uuidString.lowercased()
        #expect(try await client.send(.GET, "/v1/users/\(stranger)").status == 404)
        #expect(try await client.send(.GET, "/v1/users/\(stranger)/recommendations").status == 404)
        let refused = try await client.send(.POST, "/v1/users/\(stranger)/clicks", headers: json, body: body)
        #expect(refused.status == 404)
        #expect(try await client.send(.GET, "/v1/jobs/\(stranger)").status == 404)
    }

    @Test func anAnalysisStoresNothing() async throws {
        var changed: Set<String> = []
        // Something else may be stored meanwhile, by a batch; what an analysis stored would be there every time.
        for _ in 1...3 {
            let before = try await everythingStored()
            let response = try await client.send(
                .POST, "/v1/analyses", headers: ["Content-Type": "image/jpeg"], body: try Photos.biden)
            #expect(response.status == 200, "\(UnexpectedResponse(response))")
            changed = Set(before).symmetricDifference(try await everythingStored())
            if changed.isEmpty { return }
        }
        Issue.record("an analysis changed \(changed)")
    }

    /// Every table and sequence of every schema, each with a digest of what is in it.
    private func everythingStored() async throws -> [String] {
        try await suite.sql(
            """
            SELECT schemaname, name, md5(query_to_xml(query, true, false, '')::text) FROM (
                SELECT schemaname, tablename AS name,
                    format('SELECT t::text FROM %I.%I AS t ORDER BY 1', schemaname, tablename) AS query FROM pg_tables
                UNION ALL
                SELECT schemaname, sequencename, format('SELECT last_value FROM %I.%I', schemaname, sequencename)
                FROM pg_sequences
            ) AS stored WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
            """)
    }

    // MARK: Bad input

    struct BadInput: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let body: @Sendable () throws -> Data
        var type = "image/png"
        var query = ""
        let status: Int
    }

    static let badInput: [BadInput] = [
        BadInput(testDescription: "empty body", body: { Data() }, status: 400),
        BadInput(testDescription: "text", body: { Data("hello".utf8) }, type: "text/plain", status: 415),
        BadInput(testDescription: "text that says it is a PNG", body: { Data("hello".utf8) }, status: 415),
        BadInput(testDescription: "over the pixel limit", body: { Photos.bomb }, status: 413),
        BadInput(testDescription: "cut short", body: { try Photos.astronaut.prefix(100_000) }, status: 422),
        BadInput(testDescription: "no face", body: { Photos.nobody }, status: 422),
        BadInput(testDescription: "not a video id", body: { try Photos.astronaut }, query: "?playing=x", status: 400),
    ]

    @Test(arguments: badInput)
    func badInputGetsAClearError(_ input: BadInput) async throws {
        let response = try await client.selfie(
            try input.body(), query: input.query, headers: ["Content-Type": input.type])
        #expect(response.status == input.status, "\(UnexpectedResponse(response))")
        #expect(response.headers.first(name: "Content-Type")?.hasPrefix("application/problem+json") == true)
        let problem = try response.decode(Problem.self)
        #expect(problem.status == input.status)
        #expect(problem.detail?.isEmpty == false)
    }

    // MARK: Duplicates and races

    @Test func aRetryWithTheSameKeyHasNoSecondEffect() async throws {
        let headers = ["Idempotency-Key": UUID().uuidString]
        let query = "?playing=gf6v59c5yuY&session=\(UUID().uuidString)"
        let image = try Photos.astronaut
        let first = try await client.acceptedSelfie(image, query: query, headers: headers)
        // The first may have ended by now: then the retry is its result.
        let retry = headers.merging(["Prefer": "respond-async"]) { key, _ in key }
        let second = try await client.selfie(image, query: query, headers: retry)
        if second.status == 202 {
            #expect(second.headers.first(name: "Location") == first)
        } else {
            #expect(first.hasSuffix(try second.decode(Selfie.self).job))
        }
        let job = try await client.result(of: first)
        #expect(job.state == "done")
        let again = try await client.selfie(image, query: query, headers: headers).decode(Selfie.self)
        #expect(again.job == job.result?.job)
        #expect(again.user.id == job.result?.user.id)
    }

    @Test func aNewFaceSentManyTimesAtOnceMakesOneUser() async throws {
        let image = try Photos.obama
        let client = client
        // Another test may have shown this face.
        if let known = try await client.selfie(image, query: "?as=new").decode(Selfie.self).user.id {
            #expect(try await client.send(.DELETE, "/v1/users/\(known)").status == 204)
        }
        let selfies = try await withThrowingTaskGroup(of: Selfie.self) { group in
            for _ in 0..<24 { group.addTask { try await client.selfie(image, query: "?as=new").decode(Selfie.self) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(selfies.map(\.user.id)).count == 1)
        #expect(selfies.filter { $0.user.status == "new" }.count == 1)
    }

    // MARK: Faults

    /// Each service with the queue of which it has messages in hand when it is killed.
    @Test(arguments: ["vision", "identity", "recommender", "gateway"])
    func aServiceKilledInMidJobLosesNothingAccepted(_ service: String) async throws {
        let image = try Photos.astronaut
        // Stopped, a service takes what the broker hands over and does not end it. The gateway must run to accept, so
        // that the stage before it is stopped first.
        let held = service == "gateway" ? "recommender" : service
        try await suite.signal(SIGSTOP, to: held)
        var jobs: [String] = []
        for _ in 0..<12 { jobs.append(try await client.acceptedSelfie(image)) }
        if service == "gateway" {
            try await suite.signal(SIGSTOP, to: service)
            try await suite.signal(SIGCONT, to: held)
        }
        try await suite.eventually("\(service) has jobs in hand") {
            try await suite.unacknowledged(in: "mien.\(service).accepted") > 0
        }
        try await suite.signal(SIGKILL, to: service)
        for job in jobs {
            let ended = try await client.result(of: job)
            #expect(ended.state == "done", "\(ended)")
        }
        try await suite.becomesReady()
    }

    @Test func tenKillsEndNoAcceptedJob() async throws {
        let image = try Photos.astronaut
        try await suite.signal(SIGSTOP, to: "vision")
        var jobs: [String] = []
        for _ in 0..<60 { jobs.append(try await client.acceptedSelfie(image)) }
        try await suite.eventually("vision has jobs in hand") {
            try await suite.unacknowledged(in: "mien.vision.accepted") > 0
        }
        // Two workers each time, as soon as they take jobs.
        for _ in 1...5 {
            try await suite.signal(SIGKILL, to: "vision")
            try await suite.eventually("vision is back") { await suite.readiness(of: "vision") == 200 }
        }
        for job in jobs {
            let ended = try await client.result(of: job)
            #expect(ended.state == "done", "\(ended)")
        }
        try await suite.becomesReady()
    }

    @Test func aWaitingClientIsAnsweredThoughItsWorkerWasKilled() async throws {
        let image = try Photos.astronaut
        let client = client
        try await withThrowingTaskGroup(of: Int.self) { group in
            try await suite.withStopped("vision") {
                for _ in 0..<6 { group.addTask { try await client.selfie(image).status } }
                try await suite.eventually("the workers have all six") {
                    try await suite.unacknowledged(in: "mien.vision.interactive") == 6
                }
                // The other goes on with its own, and takes over.
                try suite.signal(SIGKILL, toWorker: "vision")
            }
            for try await status in group { #expect(status == 200) }
        }
        try await suite.becomesReady()
    }

    @Test func withoutWorkersTheDeadlinePasses() async throws {
        try await suite.signal(SIGSTOP, to: "vision")
        let response = try await client.selfie(try Photos.astronaut, headers: ["Prefer": "wait=2"])
        try await suite.signal(SIGCONT, to: "vision")
        #expect(response.status == 504)
        try await suite.becomesReady()
    }

    @Test func theBrokerMayRestart() async throws {
        let image = try Photos.astronaut
        var jobs: [String] = []
        for _ in 0..<6 { jobs.append(try await client.acceptedSelfie(image)) }
        try await suite.script("broker", "kill")
        let refused = try await client.selfie(image)
        #expect(refused.status == 503)
        #expect(refused.headers.first(name: "Retry-After") != nil)
        try await suite.script("broker", "start")
        try await suite.becomesReady()
        for job in jobs {
            let ended = try await client.result(of: job)
            #expect(ended.state == "done", "\(ended)")
        }
        #expect(try await client.selfie(image).status == 200)
    }

    @Test func aWorkerThatTheBrokerTakesForLostEndsNoAcceptedJob() async throws {
        // Debian's RabbitMQ does so after 30 minutes without an acknowledgement, looking once a minute.
        try await setConsumerTimeout(milliseconds: 1000, tick: 200)
        let image = try Photos.astronaut
        var jobs: [String] = []
        try await suite.withStopped("vision") {
            for _ in 0..<6 { jobs.append(try await client.acceptedSelfie(image)) }
            // It closes the channel, and waits for the worker to say that it knows before it takes the jobs back.
            try await suite.eventually("the broker has lost patience") {
                try suite.log(of: "broker").contains("timed out waiting for delivery acknowledgement")
            }
        }
        for job in jobs {
            let ended = try await client.result(of: job)
            #expect(ended.state == "done", "\(ended)")
        }
        try await setConsumerTimeout(milliseconds: 1_800_000, tick: 60_000)
    }

    /// A channel takes the former when it is opened, the latter whenever it has looked.
    private func setConsumerTimeout(milliseconds: Int, tick: Int) async throws {
        try await suite.script(
            "broker", "ctl", "eval",
            """
            application:set_env(rabbit, consumer_timeout, \(milliseconds)),
            application:set_env(rabbit, channel_tick_interval, \(tick)).
            """)
        try await suite.script("broker", "ctl", "close_all_connections", "--vhost", "mien", "the settings changed")
        try await suite.becomesReady()
    }

    /// Away, it refuses connections; hung, it takes them and says nothing.
    @Test(arguments: [SIGTERM, SIGSTOP])
    func withoutADatabaseEveryoneIsToldAndNothingAcceptedIsLost(_ signal: Int32) async throws {
        let image = try Photos.astronaut
        // Everybody knows this face by now, so that only the recommender needs the database.
        #expect(try await client.selfie(image).status == 200)
        try await suite.signal(SIGSTOP, to: "vision")
        var jobs: [String] = []
        for _ in 0..<3 { jobs.append(try await client.acceptedSelfie(image)) }
        if signal == SIGSTOP {
            try suite.signalDatabase(SIGSTOP)
        } else {
            try await suite.script("database", "stop")
        }
        try await suite.signal(SIGCONT, to: "vision")
        let dead = try await suite.deadLetters()
        for headers in [[:], ["Prefer": "respond-async"]] {
            let refused = try await client.selfie(image, headers: headers)
            #expect(refused.status == 503, "\(UnexpectedResponse(refused))")
            #expect(refused.headers.first(name: "Retry-After") != nil)
        }
        for service in ["gateway", "identity", "recommender"] {
            #expect(await suite.readiness(of: service) == 503)
        }
        if signal == SIGSTOP {
            try suite.signalDatabase(SIGCONT)
        } else {
            try await suite.script("database", "start")
        }
        try await suite.becomesReady()
        for job in jobs {
            let ended = try await client.result(of: job)
            #expect(ended.state == "done", "\(ended)")
        }
        #expect(try await suite.deadLetters() == dead)
        #expect(try await client.selfie(image).status == 200)
    }

    // MARK: Erasure

    @Test func erasingSomebodyLeavesNothing() async throws {
        let image = try Photos.biden
        let job = try await client.acceptedSelfie(image, query: "?as=new&playing=gf6v59c5yuY&session=erasure")
        let result = try #require(try await client.result(of: job).result)
        let user = try #require(result.user.id)
        let video = try #require(result.recommendations.first).videoId
        _ = try await client.send(
            .POST, "/v1/users/\(user)/clicks", headers: ["Content-Type": "application/json"],
            body: Data("{\"video_id\": \"\(video)\"}".utf8))
        #expect(try await rowsNaming(user) != [])

        for _ in 0..<2 {
            let erased = try await client.send(.DELETE, "/v1/users/\(user)")
            #expect(erased.status == 204, "\(UnexpectedResponse(erased))")
        }
        #expect(try await rowsNaming(user) == [])
        // What was answered a moment ago may not be acknowledged yet.
        let end = ContinuousClock.now + .seconds(20)
        var messages = try await suite.messagesInQueues()
        while messages > 0, ContinuousClock.now < end { messages = try await suite.messagesInQueues() }
        #expect(messages == 0)
        #expect(try await client.send(.GET, "/v1/users/\(user)").status == 404)
        #expect(try await client.send(.GET, "/v1/users/\(user)/recommendations").status == 404)
        let job404 = try await client.send(.GET, job)
        #expect(job404.status == 404 || !String(decoding: job404.body, as: UTF8.self).contains(user))

        let back = try await client.selfie(image, query: "?as=new").decode(Selfie.self)
        #expect(back.user.status == "new")
        #expect(back.user.id != user)
    }

    /// The tables, of all schemas, in which a row mentions the text.
    private func rowsNaming(_ text: String) async throws -> [String] {
        let tables = try await suite.sql(
            """
            SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
            """)
        var found: [String] = []
        for table in tables {
            let rows = try await suite.sql("SELECT count(*) FROM \(table) AS t WHERE t::text LIKE '%\(text)%'")
            if rows != ["0"] { found.append(table) }
        }
        return found
    }
}
