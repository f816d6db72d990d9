import Broker
import Database
import DatabaseTesting
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Messages
import NIOCore
import ServiceLifecycle
import Testing

/// Accepted jobs, with a real Postgres; the test plays the broker and the stages.
@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(5)))
struct AcceptedJobTests {
    let user = UserID.random()
    let picture = ByteBuffer(string: "a picture")
    let asynchronous: HTTPFields = [HTTPField.Name("Prefer")!: "respond-async"]

    /// A gateway with a database of its own. `work` is done when a job was handed over.
    func withGateway(
        settings: GatewaySettings = GatewaySettings(),
        work: @escaping @Sendable (any Message, JobHeader, JobStore) async throws -> Void = { _, _, _ in },
        _ body: @escaping @Sendable (any TestClientProtocol, JobStore, Database) async throws -> Void
    ) async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                let jobs = JobStore(database)
                try await jobs.migrate()
                let accept: @Sendable (any Message, JobHeader) async throws(BrokerError) -> Void = {
                    (message: any Message, header: JobHeader) async throws(BrokerError) in
                    do {
                        try await work(message, header, jobs)
                    } catch {
                        throw error as? BrokerError ?? .disconnected
                    }
                }
                let gateway = Scripted.gateway(settings: settings, database: database, accept: accept)
                try await Scripted.test(gateway) { client in try await body(client, jobs, database) }
            }
        }
    }

    func header(_ trip: Trip, _ job: JobID = .random()) -> JobHeader {
        JobHeader(job: job, trip: trip, reply: .accepted, published: .now)
    }

    func object(_ response: TestResponse) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
    }

    @Test func anAcceptedSelfieIsQueuedAndThenDone() async throws {
        let seen = Seen()
        try await withGateway { message, header, _ in
            seen.note(message, header)
        } _: { client, jobs, _ in
            let accepted = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: asynchronous, body: picture)
            #expect(accepted.status == .accepted)
            let location = try #require(accepted.headers[.location])
            let header = try #require(seen.header)
            #expect(location == "/v1/jobs/\(header.job)")
            #expect(header.reply == .accepted)

            let queued = try await client.execute(uri: location, method: .get)
            #expect(queued.status == .ok)
            #expect(try object(queued)["state"] as? String == "queued")

            try await jobs.finish(Scripted.envelope(Example.recommended(user), header))
            // The same result again changes nothing.
            try await jobs.finish(Scripted.envelope(Example.recommended(user), header))
            let done = try await client.execute(uri: location, method: .get)
            #expect(try object(done)["state"] as? String == "done")
            let result = try #require(try object(done)["result"] as? [String: Any])
            #expect((result["user"] as? [String: Any])?["id"] as? String == user.description)
            #expect((result["recommendations"] as? [Any])?.count == 6)
        }
    }

    @Test func aWaitingPreferenceBringsTheAnswerItself() async throws {
        try await withGateway { _, header, jobs in
            try await jobs.finish(Scripted.envelope(Example.recommended(user), header))
        } _: { client, _, _ in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post,
                headers: [HTTPField.Name("Prefer")!: "respond-async, wait=10"], body: picture)
            #expect(response.status == .ok)
            #expect(response.headers[.setCookie]?.contains(user.description) == true)
        }
    }

    @Test(.timeLimit(.minutes(1))) func nobodyWaitsLongerThanIsAllowed() async throws {
        var settings = GatewaySettings()
        settings.longestWait = .milliseconds(100)
        try await withGateway(settings: settings) { client, _, _ in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post,
                headers: [HTTPField.Name("Prefer")!: "respond-async, wait=86400"], body: picture)
            #expect(response.status == .accepted)
        }
    }

    @Test func anErasureThatIsNotDoneKeepsTheCookie() async throws {
        try await withGateway { client, jobs, _ in
            let headers: HTTPFields = [
                HTTPField.Name("Prefer")!: "wait=0", HTTPField.Name("Idempotency-Key")!: "once",
                .cookie: "mien_user=\(user)",
            ]
            let accepted = try await client.execute(uri: "/v1/users/me", method: .delete, headers: headers)
            #expect(accepted.status == .accepted && accepted.headers[.setCookie] == nil)
            let location = try #require(accepted.headers[.location])
            let job = try #require(JobID(String(location.dropFirst("/v1/jobs/".count))))
            try await jobs.finish(Scripted.envelope(ErasureRequested(user: user), header(.erasure, job)))
            let done = try await client.execute(uri: "/v1/users/me", method: .delete, headers: headers)
            #expect(done.status == .noContent)
            #expect(done.headers[.setCookie]?.contains("Max-Age=0") == true)
        }
    }

    @Test func aMergeIsAnsweredWhenAllStagesHaveIt() async throws {
        let (seen, other) = (Seen(), UserID.random())
        try await withGateway { message, header, jobs in
            seen.note(message, header)
            guard let asked = message as? MergeRequested else { return }
            guard asked.user == user else {
                let failure = Failure(.unknownUser, "There is no user \(asked.user).", stage: .identity)
                return try await jobs.finish(Scripted.envelope(failure, header))
            }
            let people = [UsersMerged.Person(user: asked.user, merged: asked.isUndone ? [] : [asked.other])]
            try await jobs.finish(Scripted.envelope(UsersMerged(people: people, sequence: 1), header))
        } _: { client, _, database in
            let body = ByteBuffer(string: #"{"user": "\#(other)"}"#)
            for id in ["me", user.description] {
                let merged = try await client.execute(
                    uri: "/v1/users/\(id)/merges", method: .post, headers: [.cookie: "mien_user=\(user)"], body: body)
                #expect(merged.status == .ok)
                let answer = try JSON.decode(MergeAnswer.self, from: Data(merged.body.readableBytesView))
                #expect(answer.user == user && answer.merged == [other])
            }
            let parted = try await client.execute(uri: "/v1/users/\(user)/merges/\(other)", method: .delete)
            #expect(try object(parted)["merged"] as? [String] == [])
            #expect(try await TestDatabase.rowCounts(database)["gateway.jobs"] == 0)
            let unknown = try await client.execute(uri: "/v1/users/\(other)/merges/\(user)", method: .delete)
            #expect(unknown.status == .notFound)
        }
        #expect(
            seen.messages.first as? MergeRequested == MergeRequested(user: user, other: other, isUndone: false))
        #expect(seen.messages.last as? MergeRequested == MergeRequested(user: other, other: user, isUndone: true))
        #expect(seen.headers.allSatisfy { $0.trip == .merge && $0.reply == .accepted })
    }

    @Test func aMergeThatIsNotDoneYetIsAJob() async throws {
        let other = UserID.random()
        try await withGateway { client, jobs, _ in
            let accepted = try await client.execute(
                uri: "/v1/users/\(user)/merges", method: .post, headers: [HTTPField.Name("Prefer")!: "wait=0"],
                body: ByteBuffer(string: #"{"user": "\#(other)"}"#))
            #expect(accepted.status == .accepted)
            let location = try #require(accepted.headers[.location])
            let job = try #require(JobID(String(location.dropFirst("/v1/jobs/".count))))
            let merged = UsersMerged(people: [.init(user: user, merged: [other])], sequence: 1)
            try await jobs.finish(Scripted.envelope(merged, header(.merge, job)))
            let done = try object(try await client.execute(uri: location, method: .get))
            #expect(done["state"] as? String == "done")
            #expect((done["result"] as? [String: Any])?["user"] as? String == user.description)
        }
    }

    /// Of an hour that it might take: a poll that did not notice the end would outlast the test's time.
    @Test(.timeLimit(.minutes(2))) func aLongPollEndsWithTheJob() async throws {
        var settings = GatewaySettings()
        settings.longestWait = .seconds(3600)
        try await withGateway(settings: settings) { client, jobs, database in
            let header = header(.analysis)
            _ = try await jobs.insert(header.job, .analysis)
            async let polled = client.execute(
                uri: "/v1/jobs/\(header.job)", method: .get, headers: [HTTPField.Name("Prefer")!: "wait=3600"])
            // The poll has asked once and found the job queued.
            let asked = """
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND query LIKE '%FROM gateway.jobs ' || 'WHERE id = $1%'
                """
            while try await database.query(asked).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            try await jobs.finish(Scripted.envelope(FaceAnalysed(analysis: Example.analysis), header))
            #expect(try object(try await polled)["state"] as? String == "done")
        }
    }

    @Test func aLongPollEndsWithItsTime() async throws {
        try await withGateway { client, jobs, _ in
            let job = JobID.random()
            _ = try await jobs.insert(job, .selfie)
            let response = try await client.execute(
                uri: "/v1/jobs/\(job)", method: .get, headers: [HTTPField.Name("Prefer")!: "wait=1"])
            #expect(try object(response)["state"] as? String == "queued")
        }
    }

    @Test func aFailedJobSaysWhy() async throws {
        try await withGateway { client, jobs, _ in
            let header = header(.selfie)
            try await jobs.finish(Scripted.envelope(Failure(.noFace, "No face.", stage: .vision), header))
            let response = try await client.execute(uri: "/v1/jobs/\(header.job)", method: .get)
            #expect(try object(response)["state"] as? String == "failed")
            let problem = try #require(try object(response)["problem"] as? [String: Any])
            #expect(problem["type"] as? String == "/problems/no-face")
            #expect(problem["status"] as? Int == 422)
        }
    }

    @Test func anUnknownJobIsNotFound() async throws {
        try await withGateway { client, _, _ in
            let response = try await client.execute(uri: "/v1/jobs/\(JobID.random())", method: .get)
            #expect(response.status == .notFound)
            #expect(try kind(response) == "unknown-job")
        }
    }

    @Test func whatTheBrokerRefusesIsNotAccepted() async throws {
        try await withGateway { _, _, _ in
            throw BrokerError.full
        } _: { client, _, database in
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post, headers: asynchronous, body: picture)
            #expect(response.status == .serviceUnavailable)
            #expect(response.headers[.retryAfter] != nil)
            #expect(try await database.query("SELECT id FROM gateway.jobs").isEmpty)
        }
    }

    @Test func aKeySentAgainIsOneJobUntilItIsDone() async throws {
        let seen = Seen()
        try await withGateway { message, header, _ in
            seen.note(message, header)
        } _: { client, jobs, database in
            var headers = asynchronous
            headers[HTTPField.Name("Idempotency-Key")!] = "key"
            var locations: Set<String?> = []
            for _ in 1...2 {
                let response = try await client.execute(
                    uri: "/v1/selfies", method: .post, headers: headers, body: picture)
                locations.insert(response.headers[.location])
            }
            #expect(locations.count == 1)
            // Still queued, it is handed over again: nobody knows whether the first time arrived.
            #expect(seen.jobs.count == 2 && Set(seen.jobs).count == 1)
            try await jobs.finish(Scripted.envelope(Example.recommended(user), header(.selfie, seen.jobs[0])))
            let response = try await client.execute(uri: "/v1/selfies", method: .post, headers: headers, body: picture)
            #expect(response.status == .ok)
            #expect(seen.jobs.count == 2)
            #expect(try await database.query("SELECT id FROM gateway.jobs").count == 1)
        }
    }

    @Test(arguments: [Failure.Kind.attemptsExhausted, .unavailable, .internalError, .deadlinePassed])
    func whatFailedForAReasonThatPassesIsTriedAgainUnderItsKey(_ kind: Failure.Kind) async throws {
        let seen = Seen()
        try await withGateway { message, header, _ in
            seen.note(message, header)
            if seen.jobs.count == 2 { throw BrokerError.full }
        } _: { client, jobs, _ in
            var headers = asynchronous
            headers[HTTPField.Name("Idempotency-Key")!] = "key"
            func send() async throws -> TestResponse {
                try await client.execute(uri: "/v1/selfies", method: .post, headers: headers, body: picture)
            }
            let location = try #require(try await send().headers[.location])
            let job = seen.jobs[0]
            try await jobs.finish(Scripted.envelope(Failure(kind, "Passed.", stage: .vision), header(.selfie, job)))
            // The broker does not take it: then it has failed still, and is still there.
            #expect(try await send().status == .serviceUnavailable)
            #expect(try object(try await client.execute(uri: location, method: .get))["state"] as? String == "failed")
            let again = try await send()
            #expect(again.status == .accepted && again.headers[.location] == location)
            #expect(seen.jobs.count == 3 && Set(seen.jobs) == [job])
            #expect(try object(try await client.execute(uri: location, method: .get))["state"] as? String == "queued")
            try await jobs.finish(Scripted.envelope(Example.recommended(user), header(.selfie, job)))
            #expect(try await send().status == .ok)
        }
    }

    @Test func whatFailedForGoodIsNotTriedAgain() async throws {
        let seen = Seen()
        try await withGateway { message, header, jobs in
            seen.note(message, header)
            try await jobs.finish(Scripted.envelope(Failure(.noFace, "No face.", stage: .vision), header))
        } _: { client, _, _ in
            var headers = asynchronous
            headers[HTTPField.Name("Idempotency-Key")!] = "key"
            headers[HTTPField.Name("Prefer")!] = "respond-async, wait=10"
            for _ in 1...2 {
                let response = try await client.execute(
                    uri: "/v1/selfies", method: .post, headers: headers, body: picture)
                #expect(response.status == .unprocessableContent)
            }
        }
        #expect(seen.jobs.count == 1)
    }

    /// The first of two requests with one key is refused by the broker while the second is accepted.
    @Test func aJobThatAnotherRequestHandedOverIsNotStruckOut() async throws {
        let seen = Seen()
        let (isIn, entered) = AsyncStream<Void>.makeStream()
        let (mayLeave, leave) = AsyncStream<Void>.makeStream()
        try await withGateway { message, header, _ in
            seen.note(message, header)
            guard seen.jobs.count == 1 else { return }
            entered.yield()
            for await _ in mayLeave { break }
            throw BrokerError.full
        } _: { client, _, _ in
            var headers = asynchronous
            headers[HTTPField.Name("Idempotency-Key")!] = "key"
            let sent = headers
            async let first = client.execute(uri: "/v1/selfies", method: .post, headers: sent, body: picture)
            for await _ in isIn { break }
            let second = try await client.execute(uri: "/v1/selfies", method: .post, headers: sent, body: picture)
            leave.yield()
            #expect(try await first.status == .serviceUnavailable)
            #expect(second.status == .accepted)
            let location = try #require(second.headers[.location])
            #expect(try await client.execute(uri: location, method: .get).status == .ok)
        }
    }

    @Test(.timeLimit(.minutes(2))) func aLongPollEndsWithTheJobsStateWhenTheGatewayStops() async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                let jobs = JobStore(database)
                try await jobs.migrate()
                let job = JobID.random()
                _ = try await jobs.insert(job, .selfie)
                var settings = GatewaySettings()
                settings.longestWait = .seconds(600)
                try await LiveGateway.run(Scripted.gateway(settings: settings, database: database), settings: settings)
                { live in
                    try await live.connect { connection in
                        // The answer to the first says that the second, sent in one piece with it, is there.
                        try await connection.send(
                            "GET /problems/no-face HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                + "GET /v1/jobs/\(job) HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=600\r\n\r\n")
                        try await connection.read(until: "No face was found")
                        await live.group.triggerGracefulShutdown()
                        let answer = try await connection.readToEnd()
                        #expect(answer.statuses == [200, 200] && answer.contains("\"state\":\"queued\""))
                    }
                }
            }
        }
    }

    @Test func erasingLeavesNothing() async throws {
        try await withGateway { message, header, jobs in
            guard let message = message as? ErasureRequested else { return }
            try await jobs.finish(Scripted.envelope(message, header))
        } _: { client, jobs, database in
            let selfie = header(.selfie)
            try await jobs.finish(Scripted.envelope(Example.recommended(user), selfie))
            let other = header(.selfie)
            try await jobs.finish(Scripted.envelope(Example.recommended(.random()), other))
            for _ in 1...2 {
                let response = try await client.execute(
                    uri: "/v1/users/me", method: .delete, headers: [.cookie: "mien_user=\(user)"])
                #expect(response.status == .noContent)
                #expect(response.headers[.setCookie]?.contains("Max-Age=0") == true)
            }
            #expect(try await client.execute(uri: "/v1/jobs/\(selfie.job)", method: .get).status == .notFound)
            #expect(try await client.execute(uri: "/v1/jobs/\(other.job)", method: .get).status == .ok)

            // What was still under way arrives afterwards, and is not kept.
            let late = header(.selfie)
            try await jobs.finish(Scripted.envelope(Example.recommended(user), late))
            let response = try await client.execute(uri: "/v1/jobs/\(late.job)", method: .get)
            #expect(try object(response)["state"] as? String == "failed")
            for table in ["jobs", "erased"] {
                let rows = try await database.query(
                    "SELECT 1 FROM gateway.\(table) t WHERE t::text LIKE '%' || $1 || '%'", .text(user.description))
                #expect(rows.isEmpty)
            }
        }
    }

    @Test func anErasureThatTakesLongIsAccepted() async throws {
        var settings = GatewaySettings()
        settings.deadline = .milliseconds(100)
        try await withGateway(settings: settings) { client, _, _ in
            let response = try await client.execute(uri: "/v1/users/\(user)", method: .delete)
            #expect(response.status == .accepted)
            let location = try #require(response.headers[.location])
            #expect(try await client.execute(uri: location, method: .get).status == .ok)
        }
    }

    @Test func theSweepClearsAwayAndGivesUp() async throws {
        try await withGateway { client, jobs, database in
            let done = header(.selfie)
            try await jobs.finish(Scripted.envelope(Example.recommended(user), done))
            let lost = header(.selfie)
            _ = try await jobs.insert(lost.job, .selfie)
            try await jobs.sweep(retention: .seconds(60), anonymousRetention: .seconds(60), limit: .seconds(60))
            #expect(try await jobs.job(done.job) != nil)
            #expect(try await jobs.job(lost.job)?.state == .queued)

            try await database.query(
                "UPDATE gateway.jobs SET created = now() - interval '1 day', finished = finished - interval '1 day'")
            try await jobs.sweep(retention: .seconds(60), anonymousRetention: .seconds(60), limit: .seconds(60))
            #expect(try await jobs.job(done.job) == nil)
            #expect(try await jobs.job(lost.job)?.state == .failed)
            // It came after all.
            try await jobs.finish(Scripted.envelope(Example.recommended(user), lost))
            #expect(try await jobs.job(lost.job)?.state == .done)
        }
    }

    @Test func theResultsStageStoresParksAndRetries() async throws {
        try await withGateway { _, jobs, database in
            let stage = ResultsStage(jobs: jobs, logger: TestDatabase.silence)
            let good = header(.selfie)
            let outcomes = await stage.handle([
                (Scripted.envelope(Example.recommended(user), good)),
                (Scripted.envelope(VideoClicked(user: user, video: Example.video), header(.click))),
                Envelope(header: header(.selfie), type: Recommended.name, body: Data("{}".utf8)),
            ])
            #expect(outcomes.map(name) == ["done", "unreadable", "unreadable"])
            #expect(try await jobs.job(good.job)?.state == .done)

            try await database.query("ALTER TABLE gateway.jobs RENAME TO away")
            let retried = await stage.handle([(Scripted.envelope(Example.recommended(user), header(.selfie)))])
            #expect(retried.map(name) == ["retry"])

            await database.close()
            let waiting = await stage.handle([(Scripted.envelope(Example.recommended(user), header(.selfie)))])
            #expect(waiting.map(name) == ["unavailable"])
        }
    }

    private func name(_ outcome: Outcome) -> String {
        switch outcome {
        case .completed: "completed"
        case .failed: "failed"
        case .retry: "retry"
        case .unavailable: "unavailable"
        case .unreadable: "unreadable"
        case .done: "done"
        }
    }
}
