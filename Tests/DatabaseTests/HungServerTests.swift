import DatabaseTesting
import Foundation
import RelayTesting
import Testing

@testable import Database

/// A server that says nothing any more, as Postgres does after SIGSTOP: connections stand and are taken, and nothing is
/// answered. Each test would wait for ever if one call had no limit of the client's own.
@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(2)))
struct HungServerTests {
    /// Runs `body` with a pool that reaches a new database by a relay.
    private func withRelay(
        restTimeout: Duration = .seconds(60), silenceLimit: Duration = .seconds(60),
        statementTimeout: Duration = .milliseconds(100), _ body: (Relay, Database) async throws -> Void
    ) async throws {
        try await TestDatabase.withAddress { address in
            var parts = try #require(URLComponents(string: address.conninfo))
            let relay = Relay(to: try #require(parts.port))
            defer { relay.close() }
            parts.port = relay.port
            parts.path = "/\(address.name ?? "")"
            let settings = DatabaseSettings(
                address: DatabaseAddress(try #require(parts.string)), connections: 1,
                connectTimeout: .seconds(2), acquireTimeout: .milliseconds(300), restTimeout: restTimeout,
                silenceLimit: silenceLimit, statementTimeout: statementTimeout, longStatementTimeout: .milliseconds(300)
            )
            let database = Database(settings, logger: TestDatabase.silence)
            try await database.query("CREATE TABLE a (id bigint)")
            do {
                try await body(relay, database)
            } catch {
                relay.close()
                await database.close()
                throw error
            }
            relay.resume()
            // However long the back-off is.
            try await database.waitUntilAvailable()
            await database.close()
        }
    }

    private func isUnavailable(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return false
        } catch {
            if case .unavailable? = error as? DatabaseError { return true }
            return false
        }
    }

    @Test func aStatementEnds() async throws {
        try await withRelay { relay, database in
            #expect(
                await isUnavailable {
                    try await database.withConnection { connection in
                        relay.pause()
                        try connection.query("INSERT INTO a VALUES (1)")
                    }
                })
        }
    }

    @Test func aStatementThatMayTakeLongEndsSoon() async throws {
        try await withRelay(silenceLimit: .milliseconds(100), statementTimeout: .seconds(600)) { relay, database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.withConnection { connection in
                    relay.pause()
                    try connection.query("INSERT INTO a VALUES (1)")
                }
            }
            #expect(error == .unavailable("it did not answer within 2.0 seconds"))
        }
    }

    @Test func aSlowStatementOfAServerThatAnswersGoesOn() async throws {
        try await withRelay(silenceLimit: .milliseconds(50), statementTimeout: .seconds(60)) { _, database in
            try await database.query("SELECT pg_sleep(1)")
        }
    }

    @Test func aTransactionEnds() async throws {
        try await withRelay { relay, database in
            #expect(
                await isUnavailable {
                    try await database.transaction { connection in
                        try connection.query("INSERT INTO a VALUES (1)")
                        relay.pause()
                    }
                })
        }
    }

    @Test func aConnectionAttemptEnds() async throws {
        try await withRelay { relay, database in
            relay.cut()
            relay.pause()
            for _ in 1...3 { #expect(await isUnavailable { try await database.query("SELECT 1") }) }
        }
    }

    @Test func aConnectionThatRestedIsNotTrusted() async throws {
        try await withRelay(restTimeout: .zero) { relay, database in
            relay.pause()
            let error = await #expect(throws: DatabaseError.self) { try await database.query("SELECT 1") }
            #expect(error == .unavailable("it did not answer within 2.0 seconds"))
        }
    }

    @Test func copyingInEnds() async throws {
        try await withRelay { relay, database in
            #expect(
                await isUnavailable {
                    try await database.withConnection { connection in
                        _ = try connection.copyIn("a", columns: ["id"]) { writer in
                            relay.pause()
                            // More than the buffers between hold.
                            for number in 0..<4_000_000 { try writer.append(number) }
                        }
                    }
                })
        }
    }

    @Test func copyingOutEnds() async throws {
        try await withRelay { relay, database in
            #expect(
                await isUnavailable {
                    try await database.withConnection { connection in
                        _ = try connection.copyOut("SELECT generate_series(1, 4000000)") { row in
                            if try row.next(Int.self) == 1000 { relay.pause() }
                        }
                    }
                })
        }
    }

    @Test func waitingForAConnectionEnds() async throws {
        try await withRelay { relay, database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.withConnection { _ in
                    _ = try await database.query("SELECT 1")
                }
            }
            #expect(error == .unavailable("no connection was free within 0.3 seconds"))
        }
    }

    @Test func whoeverIsCancelledDoesNotWait() async throws {
        try await withRelay { relay, database in
            let asked = Task {
                try await database.withConnection { connection in
                    try connection.liftLimit()
                    relay.pause()
                    withUnsafeCurrentTask { $0?.cancel() }
                    try connection.query("SELECT 1")
                }
            }
            await #expect(throws: DatabaseError.cancelled) { try await asked.value }
        }
    }

    @Test func itsNotificationsComeAgain() async throws {
        try await withRelay { relay, database in
            var notifications = database.notifications(on: "news").makeAsyncIterator()
            #expect(await notifications.next() == .listening)
            relay.pause()
            relay.cut()
            relay.resume()
            #expect(await notifications.next() == .listening)
        }
    }
}
