import Foundation
import Logging

@testable import Database

/// A database of a test's own on the server that MIEN_TEST_DATABASE names.
struct TestDatabase {
    static let server = ProcessInfo.processInfo.environment["MIEN_TEST_DATABASE"].map { DatabaseAddress($0) }
    static let isMissing = "MIEN_TEST_DATABASE names no Postgres server: run `make test`"

    let address: DatabaseAddress
    let database: Database

    /// Makes the database, runs `body` and drops it whatever happens.
    static func with(connections: Int = 4, _ body: (TestDatabase) async throws -> Void) async throws {
        guard let server else { return }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let admin = Database(DatabaseSettings(address: server, connections: 1), logger: logger)
        let name = "mien_test_\(UInt64.random(in: 0...UInt64.max))"
        try await admin.query("CREATE DATABASE \(name)")
        let address = server.database(named: name)
        let database = Database(DatabaseSettings(address: address, connections: connections), logger: logger)
        let outcome: Swift.Result<Void, any Error>
        do {
            outcome = .success(try await body(TestDatabase(address: address, database: database)))
        } catch {
            outcome = .failure(error)
        }
        await database.close()
        try await admin.query("DROP DATABASE \(name) WITH (FORCE)")
        await admin.close()
        try outcome.get()
    }

    /// Runs `body` with a connection that is not the test's own pool's.
    static func outside(_ address: DatabaseAddress, _ body: (Database) async throws -> Void) async throws {
        let database = Database(DatabaseSettings(address: address, connections: 1), logger: Logger(label: "test"))
        do {
            try await body(database)
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }
}
