import DatabaseTesting
import Foundation
import RelayTesting
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing

@testable import Database

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(2)))
struct MigrationServiceTests {
    /// Says when it runs, and runs until graceful shutdown.
    private final class Probe: Service {
        let runs = Atomic(false)
        let tries = Atomic(0)

        func run() async throws {
            runs.store(true, ordering: .relaxed)
            try? await gracefulShutdown()
        }
    }

    private func until(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await Task.sleep(for: .milliseconds(10)) }
    }

    @Test func whatNeedsTheTablesWaitsForThem() async throws {
        try await TestDatabase.withAddress { address in
            var parts = try #require(URLComponents(string: address.conninfo))
            let relay = Relay(to: try #require(parts.port))
            defer { relay.close() }
            relay.pause()
            parts.port = relay.port
            let settings = DatabaseSettings(
                address: DatabaseAddress(try #require(parts.string)).database(named: try #require(address.name)),
                connections: 2, connectTimeout: .seconds(2))
            let database = Database(settings, logger: TestDatabase.silence)
            let probe = Probe()
            let migration = MigrationService(database, before: [probe], logger: TestDatabase.silence) {
                // A first try may fail, as where another process holds a lock for too long.
                if probe.tries.add(1, ordering: .relaxed).oldValue == 0 { throw DatabaseError.unavailable("test") }
                try await database.migrate(
                    schema: "thing", [Migration(version: 1, name: "a", sql: "CREATE TABLE thing.a (id bigint)")])
            }
            try await testGracefulShutdown { trigger in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await migration.run() }
                    try await Task.sleep(for: .milliseconds(200))
                    #expect(!migration.isMigrated && !probe.runs.load(ordering: .relaxed))
                    relay.resume()
                    try await until { probe.runs.load(ordering: .relaxed) }
                    #expect(migration.isMigrated)
                    #expect(try await database.query("SELECT * FROM thing.a").isEmpty)
                    trigger.triggerGracefulShutdown()
                    try await group.waitForAll()
                }
            }
            await database.close()
        }
    }

    @Test func itStopsWhereTheServerNeverComes() async throws {
        let nowhere = DatabaseAddress("postgresql://nobody@127.0.0.1:1/none")
        let database = Database(DatabaseSettings(address: nowhere, connections: 1), logger: TestDatabase.silence)
        let probe = Probe()
        let migration = MigrationService(database, before: [probe], logger: TestDatabase.silence) {}
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await migration.run() }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        #expect(!migration.isMigrated && !probe.runs.load(ordering: .relaxed))
    }
}
