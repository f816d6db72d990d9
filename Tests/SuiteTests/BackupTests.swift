import FoundationEssentials
import NIOHTTP1
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension SuiteTests {
    @Suite(.serialized)
    struct BackupTests {
        let suite = RunningSuite.current
        var client: SuiteClient { SuiteClient(address: suite.address) }

        @Test func aRestoredSuiteAnswersAsBeforeAndForgetsWhoWasErasedSince() async throws {
            let known = try await client.selfie(try Photos.astronaut).decode(Selfie.self)
            let person = try #require(known.user.id)
            let video = try #require(known.recommendations.first).videoId
            let clicked = try await client.send(
                .POST, "/v1/users/\(person)/clicks", headers: ["Content-Type": "application/json"],
                body: Data("{\"video_id\": \"\(video)\"}".utf8))
            #expect(clicked.status == 204)
            let erased = try #require(
                try await client.selfie(try Photos.biden, query: "?as=new").decode(Selfie.self).user.id)
            // Transactions that a fresh cluster has not counted to.
            _ = try await suite.sql(
                "DO $$ BEGIN FOR i IN 1..5000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
            _ = try await client.selfie(try Photos.astronaut, query: "?playing=\(video)&session=\(UUID())")
            let recommended = try await client.send(.GET, "/v1/users/\(person)/recommendations").body
            let people = try await rows

            try await suite.signal(SIGSTOP, to: "vision")
            let waiting = try await client.acceptedSelfie(try Photos.obama)
            let said = try await suite.script("backup")
            try await suite.signal(SIGCONT, to: "vision")
            #expect(said.contains("1 accepted jobs wait in the queues"), "\(said)")
            #expect(try await client.result(of: waiting).state == "done")
            let backups = suite.backups
            let file = try #require(
                try FileManager.default.contentsOfDirectory(atPath: backups).filter { $0.hasSuffix(".tar") }.max())
            #expect(try mode("\(backups)/\(file)") == 0o600)
            #expect(try mode(backups) == 0o700)

            #expect(try await client.send(.DELETE, "/v1/users/\(erased)").status == 204)
            let later = try #require(
                try await client.selfie(try Photos.biden, query: "?as=new").decode(Selfie.self).user.id)
            #expect(later != erased)
            await #expect(throws: ScriptFailure.self) { try await suite.script("restore") }
            try await suite.script("suite", "stop")
            // A restore that was killed halfway.
            #expect(FileManager.default.createFile(atPath: "\(suite.home)/restoring", contents: nil))
            let refused = await #expect(throws: ScriptFailure.self) { try await suite.script("suite", "start") }
            #expect(refused?.output.contains("A restore did not come to its end") == true, "\(refused)")
            let restored = try await suite.script("restore")
            #expect(restored.contains("1 people erased since are erased again"), "\(restored)")
            try await suite.script("suite", "start")

            #expect(try await client.send(.GET, "/v1/users/\(erased)").status == 404)
            #expect(try await client.send(.GET, "/v1/users/\(later)").status == 404)
            #expect(try await rows == people - 1)
            #expect(try await client.send(.GET, "/v1/users/\(person)/recommendations").body == recommended)
            let again = try await client.selfie(try Photos.astronaut).decode(Selfie.self)
            #expect(again.user.id == person)
            #expect(again.user.status == "returning")
            #expect(try await client.result(of: waiting).state == "failed")
            #expect(
                try await suite.sql("SELECT count(*) FROM recommender.people WHERE changed > pg_current_xact_id()") == [
                    "0"
                ])
        }

        /// How many people identity knows.
        private var rows: Int {
            get async throws {
                let count = try await suite.sql("SELECT count(*) FROM identity.users")
                return try #require(count.first.flatMap { Int($0) })
            }
        }

        private func mode(_ path: String) throws -> mode_t {
            var status = stat()
            try #require(stat(path, &status) == 0)
            return status.st_mode & 0o777
        }
    }
}
