import Database
import DatabaseTesting
import Foundation
import Recommender
import Testing

extension TestDatabase {
    /// A pool on a database of its own: with room for a batch, for what stands in its way and for whoever looks on.
    static func with<R: Sendable>(_ body: (Database) async throws -> R) async throws -> R {
        try await withAddress { address in try await withPool(of: address, connections: 6, body) }
    }

    /// What a program is told of a test's database.
    static func url(of database: Database) async throws -> String {
        let name: String = try await database.query("SELECT current_database() AS name")[0].decode("name")
        var address = try #require(
            ProcessInfo.processInfo.environment["MIEN_TEST_DATABASE"].flatMap { URLComponents(string: $0) })
        address.path = "/" + name
        return try #require(address.string)
    }

    /// A prepared store in a database of its own, with the bundled catalogue's videos among its items.
    static func withStore<R: Sendable>(rows: Int = 10, _ body: (Store) async throws -> R) async throws -> R {
        try await with { database in
            let store = Store(database: database, rows: rows)
            try await store.prepare(try Catalogue.bundled())
            return try await body(store)
        }
    }
}
