import Broker
import Database
import DatabaseTesting
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Messages
import NIOCore
import Testing

/// What an erasure takes with it and what it leaves, with a real Postgres; the test plays the broker and the stages.
@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(5)))
struct ErasureTests {
    let user = UserID.random()
    let earlier = UserID.random()

    /// A gateway with a database of its own, before stages that know these users and finish every erasure at once.
    func withGateway(
        knowing users: [UserID], seen: Seen = Seen(),
        _ body: @escaping @Sendable (any TestClientProtocol, JobStore, Database) async throws -> Void
    ) async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                let jobs = JobStore(database)
                try await jobs.migrate()
                let gateway = Scripted.gateway(
                    database: database, ask: Scripted.stages(recognising: user),
                    accept: { (message: any Message, header: JobHeader) async throws(BrokerError) in
                        seen.note(message, header)
                        guard let request = message as? ErasureRequested else { return }
                        let erased = ErasureRequested(
                            users: request.users, known: request.users.filter(users.contains))
                        do {
                            try await jobs.finish(Scripted.envelope(erased, header))
                        } catch {
                            throw .disconnected
                        }
                    })
                try await Scripted.test(gateway) { client in try await body(client, jobs, database) }
            }
        }
    }

    func header(_ trip: Trip, submitted: Date = .now) -> JobHeader {
        JobHeader(job: .random(), trip: trip, reply: .accepted, published: .now, submitted: submitted)
    }

    func cookie(_ users: UserID...) -> HTTPFields {
        [.cookie: "mien_user=\(users.map(\.description).joined(separator: "."))"]
    }

    @Test func anIdThatNobodyWasGivenLeavesNoRow() async throws {
        try await withGateway(knowing: []) { client, _, database in
            for _ in 1...20 {
                let response = try await client.execute(uri: "/v1/users/\(UserID.random())", method: .delete)
                #expect(response.status == .noContent)
            }
            #expect(try await TestDatabase.rowCounts(database) == ["gateway.jobs": 0, "gateway.erased": 0])
        }
    }

    /// The person was made and erased while the picture was under way, so that no result was here yet.
    @Test func whatArrivesLateOfSomebodyKnownElsewhereIsNotKept() async throws {
        try await withGateway(knowing: [user]) { client, jobs, database in
            #expect(try await client.execute(uri: "/v1/users/\(user)", method: .delete).status == .noContent)
            let late = header(.selfie)
            try await jobs.finish(Scripted.envelope(Example.recommended(user), late))
            #expect(try await jobs.job(late.job)?.state == .failed)
            let rows = try await database.query(
                "SELECT 1 FROM gateway.jobs t WHERE t::text LIKE '%' || $1 || '%'", .text(user.description))
            #expect(rows.isEmpty)
        }
    }

    @Test func aRepeatedRequestCountsAsSubmittedTheFirstTime() async throws {
        let seen = Seen()
        try await withGateway(knowing: [], seen: seen) { client, _, database in
            for _ in 1...2 {
                let response = try await client.execute(
                    uri: "/v1/selfies", method: .post,
                    headers: [HTTPField.Name("Prefer")!: "respond-async", HTTPField.Name("Idempotency-Key")!: "once"],
                    body: ByteBuffer(string: "a picture"))
                #expect(response.status == .accepted)
                try await database.query("UPDATE gateway.jobs SET created = '2026-01-01T00:00:00Z'")
            }
            #expect(seen.headers.count == 2)
            #expect(seen.headers.last?.submitted == Date(timeIntervalSince1970: 1_767_225_600))
        }
    }

    // MARK: The cookie

    @Test func everybodyWhomTheBrowsersPicturesShowedIsRememberedTheLastFirst() async throws {
        try await withGateway(knowing: [user, earlier]) { client, _, _ in
            for sent in [[earlier], [earlier, user], [user, earlier]] {
                let response = try await client.execute(
                    uri: "/v1/selfies", method: .post,
                    headers: [.cookie: "mien_user=\(sent.map(\.description).joined(separator: "."))"],
                    body: ByteBuffer(string: "a picture"))
                #expect(response.headers[.setCookie]?.hasPrefix("mien_user=\(user).\(earlier);") == true)
            }
        }
    }

    @Test func theCookieHasRoomForTheLatestOnly() async throws {
        try await withGateway(knowing: []) { client, _, _ in
            let before = (1...PersonCookie.limit).map { _ in UserID.random() }
            let response = try await client.execute(
                uri: "/v1/selfies", method: .post,
                headers: [.cookie: "mien_user=\(before.map(\.description).joined(separator: "."))"],
                body: ByteBuffer(string: "a picture"))
            let now = [user] + before.dropLast()
            #expect(
                response.headers[.setCookie]?
                    .hasPrefix("mien_user=\(now.map(\.description).joined(separator: "."));") == true)
        }
    }

    @Test func deletingMeReachesEveryProfileOfTheBrowser() async throws {
        let seen = Seen()
        try await withGateway(knowing: [user, earlier], seen: seen) { client, jobs, database in
            for person in [user, earlier] {
                try await jobs.finish(Scripted.envelope(Example.recommended(person), header(.selfie)))
            }
            let response = try await client.execute(
                uri: "/v1/users/me", method: .delete, headers: cookie(user, earlier))
            #expect(response.status == .noContent)
            #expect(response.headers[.setCookie]?.contains("Max-Age=0") == true)
            #expect((seen.first as? ErasureRequested)?.users == [user, earlier])
            #expect(try await TestDatabase.rowCounts(database) == ["gateway.jobs": 0, "gateway.erased": 2])
        }
    }

    @Test func deletingOneLeavesTheOthersInTheCookie() async throws {
        try await withGateway(knowing: [user, earlier]) { client, _, _ in
            let response = try await client.execute(
                uri: "/v1/users/\(user)", method: .delete, headers: cookie(user, earlier))
            #expect(response.status == .noContent)
            #expect(response.headers[.setCookie]?.hasPrefix("mien_user=\(earlier);") == true)
            let stranger = try await client.execute(
                uri: "/v1/users/\(UserID.random())", method: .delete, headers: cookie(user, earlier))
            #expect(stranger.headers[.setCookie] == nil)
        }
    }

    // MARK: How long

    @Test func whatNamesNobodyGoesAfterMinutes() async throws {
        try await withGateway(knowing: []) { _, jobs, database in
            let analysis = header(.analysis)
            try await jobs.finish(Scripted.envelope(FaceAnalysed(analysis: Example.analysis), analysis))
            let uncertain = header(.selfie)
            try await jobs.finish(Scripted.envelope(Example.recommended(nil), uncertain))
            let erasure = header(.erasure)
            try await jobs.finish(Scripted.envelope(ErasureRequested(user: .random()), erasure))
            let known = header(.selfie)
            try await jobs.finish(Scripted.envelope(Example.recommended(user), known))
            let failed = header(.selfie)
            try await jobs.finish(Scripted.envelope(Failure(.noFace, "No face.", stage: .vision), failed))

            try await sweep(jobs)
            #expect(try await TestDatabase.rowCounts(database)["gateway.jobs"] == 5)
            try await database.query("UPDATE gateway.jobs SET finished = finished - interval '5 minutes'")
            try await sweep(jobs)
            for gone in [analysis, uncertain, erasure] { #expect(try await jobs.job(gone.job) == nil) }
            for there in [known, failed] { #expect(try await jobs.job(there.job) != nil) }
        }
    }

    @Test func anErasureIsForgottenOnceNoJobCanBeAboutIt() async throws {
        try await withGateway(knowing: [user]) { client, jobs, database in
            #expect(try await client.execute(uri: "/v1/users/\(user)", method: .delete).status == .noContent)
            try await sweep(jobs)
            #expect(try await TestDatabase.rowCounts(database)["gateway.erased"] == 1)

            let age = Double(JobHeader.longestLife.components.seconds + 1)
            try await database.query(
                "UPDATE gateway.erased SET erased = erased - make_interval(secs => $1)", .double(age))
            try await sweep(jobs)
            #expect(try await TestDatabase.rowCounts(database)["gateway.erased"] == 0)
            // A result from that time, should there be one, is not kept all the same.
            let ancient = header(.selfie, submitted: .now - age)
            try await jobs.finish(Scripted.envelope(Example.recommended(user), ancient))
            #expect(try await jobs.job(ancient.job)?.state == .failed)
        }
    }

    private func sweep(_ jobs: JobStore) async throws {
        let settings = GatewaySettings()
        try await jobs.sweep(
            retention: settings.jobRetention, anonymousRetention: settings.anonymousRetention,
            limit: settings.jobLimit)
    }
}
