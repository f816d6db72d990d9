import Database
import Foundation
import Logging
import Messages
import Recommender
import Testing

/// A database of a test's own on the server that `MIEN_TEST_DATABASE` names, dropped when the body returns.
enum TestDatabase {
    static let address = ProcessInfo.processInfo.environment["MIEN_TEST_DATABASE"].map { DatabaseAddress($0) }
    static let isMissing: Comment = "MIEN_TEST_DATABASE names no Postgres server to test with"

    static func with<R: Sendable>(_ body: (Database) async throws -> R) async throws -> R {
        let address = try #require(address)
        let name = "mien_test_recommender_" + UUID().uuidString.lowercased().replacing("-", with: "")
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = Database(DatabaseSettings(address: address, connections: 1), logger: logger)
        try await server.withConnection { connection in try connection.script("CREATE DATABASE \(name)") }
        let database = Database(
            DatabaseSettings(address: address.database(named: name), connections: 4), logger: logger)
        func drop() async throws {
            await database.close()
            try await server.withConnection { connection in try connection.script("DROP DATABASE \(name) WITH (FORCE)")
            }
            await server.close()
        }
        do {
            let result = try await body(database)
            try await drop()
            return result
        } catch {
            try? await drop()
            throw error
        }
    }

    /// A prepared store in a database of its own, with the bundled catalogue's videos among its items.
    static func withStore<R: Sendable>(rows: Int = 10, _ body: (Store) async throws -> R) async throws -> R {
        try await with { database in
            let store = Store(database: database, clickWeight: 1, rows: rows)
            try await store.prepare(try Catalogue.bundled())
            return try await body(store)
        }
    }
}

/// A logger that says nothing.
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
