package import Database
internal import FoundationEssentials
package import Logging

/// A database of a test's own on the server that `MIEN_TEST_DATABASE` names.
package enum TestDatabase {
    /// The server, as a role that may create databases; `nil` outside `make test`.
    package static let server = ProcessInfo.processInfo.environment["MIEN_TEST_DATABASE"].map { DatabaseAddress($0) }
    /// Why tests that need it are left out.
    package static let isMissing = "MIEN_TEST_DATABASE names no Postgres server: run `make test`"
    /// A logger that says nothing.
    package static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Makes a database, runs `body` with its address and drops it whatever happens.
    @discardableResult
    package static func withAddress<R>(_ body: (DatabaseAddress) async throws -> R) async throws -> R {
        guard let server else { throw DatabaseError.unavailable(isMissing) }
        let admin = Database(DatabaseSettings(address: server, connections: 1), logger: silence)
        let name = "mien_test_\(UInt64.random(in: 0...UInt64.max))"
        try await admin.query("CREATE DATABASE \(name)")
        let outcome: Result<R, any Error>
        do {
            outcome = .success(try await body(server.database(named: name)))
        } catch {
            outcome = .failure(error)
        }
        try await drop(name, admin)
        await admin.close()
        return try outcome.get()
    }

    /// The server refuses to end a session that has not said yet whose it is; a moment later it has, or is gone.
    private static func drop(_ name: String, _ admin: Database) async throws {
        for _ in 0..<50 {
            if (try? await admin.query("DROP DATABASE \(name) WITH (FORCE)")) != nil { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        try await admin.query("DROP DATABASE \(name) WITH (FORCE)")
    }

    /// Runs `body` with a pool of its own and closes it.
    @discardableResult
    package static func withPool<R>(
        of address: DatabaseAddress, connections: Int = 4, _ body: (Database) async throws -> R
    ) async throws -> R {
        try await Database.with(DatabaseSettings(address: address, connections: connections), logger: silence, body)
    }
}
