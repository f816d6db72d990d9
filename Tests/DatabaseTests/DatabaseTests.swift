import DatabaseTesting
import Foundation
import ServiceLifecycle
import ServiceLifecycleTestKit
import Testing

@testable import Database

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(2)))
struct DatabaseTests {
    @Test func valuesGoThereAndBack() async throws {
        try await TestDatabase.with { test in
            let uuid = UUID()
            let date = Date(timeIntervalSince1970: 1_700_000_000.123456)
            let row = try await test.database.query(
                """
                SELECT $1::uuid AS uuid, $2::text AS text, $3::bigint AS integer, $4::double precision AS double,
                    $5::boolean AS boolean, $6::bytea AS bytes, $7::jsonb AS json, $8::timestamptz AS date,
                    $9::text AS nothing, $10::uuid[] AS uuids, $11::text[] AS texts, $12::bigint[] AS integers,
                    $13::double precision[] AS doubles, 7::smallint AS small, -5::integer AS middle, 0.5::real AS real,
                    ''::text AS empty, '{}'::text[] AS none, ARRAY['a', NULL] AS gaps, '{"a":1}'::json AS plain
                """,
                .uuid(uuid), "zwölf \u{1F600} '; --", -9_007_199_254_740_993, 0.1, true, .bytes(Data([0, 255, 7])),
                .json(Data(#"{"a": [1]}"#.utf8)), .timestamp(date), nil, .uuids([uuid, UUID()]), .texts(["a", ""]),
                .integers([1, -2]), .doubles([.infinity])
            )[0]
            #expect(try row.decode("uuid") == uuid)
            #expect(try row.decode("text") == "zwölf \u{1F600} '; --")
            #expect(try row.decode("integer") == -9_007_199_254_740_993)
            #expect(try row.decode("double") == 0.1)
            #expect(try row.decode("boolean") == true)
            #expect(try row.decode("bytes") == Data([0, 255, 7]))
            #expect(try row.decode("json") == Data(#"{"a": [1]}"#.utf8))
            #expect(try row.decode("json") == #"{"a": [1]}"#)
            #expect(try row.decode("plain", as: String.self) == #"{"a":1}"#)
            #expect(abs(try row.decode("date", as: Date.self).timeIntervalSince(date)) < 1e-6)
            #expect(try row.decode("nothing", as: String?.self) == nil)
            #expect(try row.decode("text", as: String?.self) != nil)
            #expect(try row.decode("uuids", as: [UUID].self)[0] == uuid)
            #expect(try row.decode("texts") == ["a", ""])
            #expect(try row.decode("integers") == [1, -2])
            #expect(try row.decode("doubles") == [Double.infinity])
            #expect(try row.decode("small") == 7)
            #expect(try row.decode("small") == Int16(7))
            #expect(try row.decode("middle") == Int32(-5))
            #expect(try row.decode("real") == Float(0.5))
            #expect(try row.decode("real") == 0.5)
            #expect(try row.decode("empty") == "")
            #expect(try row.decode("none") == [String]())
            #expect(try row.decode("gaps") == ["a", nil])
            #expect(try row.decode(at: 3) == 0.1)
        }
    }

    @Test func whatDoesNotFitIsADecodingError() async throws {
        try await TestDatabase.with { test in
            let row = try await test.database.query(
                "SELECT NULL::text AS nothing, 'a'::text AS text, 70000::integer AS big, 0.5::float8 AS half")[0]
            func isRefused<T: BinaryValue>(_ name: String, _ type: T.Type) -> Bool {
                do throws(DatabaseError) {
                    _ = try row.decode(name, as: type)
                    return false
                } catch {
                    return if case .decoding = error { !error.isTransient } else { false }
                }
            }
            #expect(isRefused("nothing", String.self))
            #expect(isRefused("text", UUID.self))
            #expect(isRefused("text", Date.self))
            #expect(isRefused("big", Int16.self))
            #expect(isRefused("half", Int.self))
            #expect(isRefused("text", [Int].self))
            #expect(isRefused("absent", Int.self))
        }
    }

    @Test func theServersRefusalCarriesItsState() async throws {
        try await TestDatabase.with { test in
            try await test.database.query("CREATE TABLE a (id integer PRIMARY KEY)")
            #expect(try await test.database.query("INSERT INTO a VALUES (1), (2)").affected == 2)
            let duplicate = await #expect(throws: DatabaseError.self) {
                try await test.database.query("INSERT INTO a VALUES (1)")
            }
            #expect(duplicate?.sqlState == "23505")
            #expect(duplicate?.isTransient == false)
            let syntax = await #expect(throws: DatabaseError.self) { try await test.database.query("SELEC 1") }
            #expect(syntax?.sqlState == "42601")
        }
    }

    @Test func whatIsTransient() {
        for state in ["40001", "40P01", "57P01", "57014", "55P03", "53300", "08006"] {
            #expect(DatabaseError.query(sqlState: state, message: "").isTransient)
        }
        for state in ["23505", "42601", "22P02"] {
            #expect(!DatabaseError.query(sqlState: state, message: "").isTransient)
        }
        #expect(DatabaseError.unavailable("").isTransient)
        #expect(!DatabaseError.decoding("").isTransient)
    }

    @Test func aTransactionIsWholeOrNothing() async throws {
        struct Stop: Error {}
        try await TestDatabase.with { test in
            try await test.database.query("CREATE TABLE a (id integer)")
            let count = try await test.database.transaction { connection in
                try connection.query("INSERT INTO a VALUES ($1)", 1)
                return try connection.query("INSERT INTO a VALUES ($1)", 2).affected
            }
            #expect(count == 1)
            await #expect(throws: Stop.self) {
                try await test.database.transaction { connection in
                    try connection.query("INSERT INTO a VALUES (3)")
                    throw Stop()
                }
            }
            // A failed statement whose error was swallowed does not pass for a commit.
            let swallowed = await #expect(throws: DatabaseError.self) {
                try await test.database.transaction { connection in
                    try connection.query("INSERT INTO a VALUES (4)")
                    _ = try? connection.query("SELECT 1 / 0")
                }
            }
            #expect(swallowed?.sqlState == "25P02")
            #expect(try await test.database.query("SELECT id FROM a").count == 2)
        }
    }

    @Test func cancellationStopsTheStatementAndLeavesNoTransaction() async throws {
        try await TestDatabase.with(connections: 1) { test in
            try await test.database.query("CREATE TABLE a (id integer)")
            let database = test.database
            let start = ContinuousClock.now
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await database.transaction { connection in
                            try connection.query("INSERT INTO a VALUES (1)")
                            try connection.query("SELECT pg_sleep(60)")
                        }
                        return false
                    } catch {
                        return true
                    }
                }
                await Self.wait(
                    for: test.address,
                    "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND wait_event = 'PgSleep'")
                group.cancelAll()
                for await failed in group { #expect(failed) }
            }
            #expect(start.duration(to: .now) < .seconds(30))
            #expect(try await database.query("SELECT * FROM a").isEmpty)
        }
    }

    @Test func whoWaitsForAConnectionCanGiveUp() async throws {
        try await TestDatabase.with(connections: 1) { test in
            let database = test.database
            try await database.withConnection { _ in
                let waiting = Task { try await database.query("SELECT 1") }
                waiting.cancel()
                await #expect(throws: DatabaseError.cancelled) { try await waiting.value }
            }
            #expect(try await database.query("SELECT 1").count == 1)
        }
    }

    @Test func fewConnectionsServeMany() async throws {
        try await TestDatabase.with(connections: 2) { test in
            let database = test.database
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...100 {
                    group.addTask {
                        try await database.query("SELECT $1::bigint AS n", .integer(number))[0].decode("n")
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 5050)
            let open = try await database.query(
                "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()")
            #expect(try open[0].decode("n", as: Int.self) <= 2)
        }
    }

    @Test func aLostConnectionIsTransientAndComesBack() async throws {
        try await TestDatabase.with(connections: 1) { test in
            let database = test.database
            let lost = await #expect(throws: DatabaseError.self) {
                try await database.query("SELECT pg_terminate_backend(pg_backend_pid())")
            }
            #expect(lost?.isTransient == true)
            #expect(try await database.query("SELECT 1").count == 1)
            // Lost while idle: noticed before the next question, which does not fail.
            let pid: Int = try await database.query("SELECT pg_backend_pid() AS pid")[0].decode("pid")
            try await TestDatabase.withPool(of: test.address, connections: 1) { other in
                try await other.query("SELECT pg_terminate_backend($1::integer, 5000)", .integer(pid))
            }
            #expect(try await database.query("SELECT 1").count == 1)
        }
    }

    @Test func aServerThatIsNotThereIsUnavailable() async throws {
        let nowhere = DatabaseAddress("postgresql://nobody:secret@127.0.0.1:1/none")
        let database = Database(DatabaseSettings(address: nowhere, connections: 2), logger: TestDatabase.silence)
        for _ in 0..<3 {
            let error = await #expect(throws: DatabaseError.self) { try await database.query("SELECT 1") }
            guard case .unavailable = error else { Issue.record("\(String(describing: error))"); return }
        }
        #expect("\(nowhere)" == "127.0.0.1:1/none")
        #expect(!"\(database.settings)".contains("secret"))
        let waiting = Task { try await database.waitUntilAvailable() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test func statementsHaveALimit() async throws {
        try await TestDatabase.with { test in
            var settings = test.database.settings
            settings.statementTimeout = .milliseconds(50)
            let database = Database(settings, logger: TestDatabase.silence)
            let error = await #expect(throws: DatabaseError.self) { try await database.query("SELECT pg_sleep(10)") }
            #expect(error?.sqlState == "57014")
            await database.close()
            await #expect(throws: DatabaseError.self) { try await database.query("SELECT 1") }
        }
    }

    @Test func itClosesOnGracefulShutdown() async throws {
        try await TestDatabase.with { test in
            let database = test.database
            try await testGracefulShutdown { trigger in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await database.run() }
                    try await database.query("SELECT 1")
                    trigger.triggerGracefulShutdown()
                    try await group.waitForAll()
                }
            }
            await #expect(throws: DatabaseError.self) { try await database.query("SELECT 1") }
        }
    }

    @Test func oneHoldsTheLockAtATime() async throws {
        struct Stop: Error {}
        try await TestDatabase.with { test in
            let database = test.database
            let outer = try await database.withAdvisoryLock("leader") {
                try await database.withAdvisoryLock("leader") { 1 } == nil
            }
            #expect(outer == true)
            await #expect(throws: Stop.self) { try await database.withAdvisoryLock("leader") { throw Stop() } }
            await Self.wait(
                for: test.address, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory')")
            #expect(try await database.withAdvisoryLock("leader") { 2 } == 2)
        }
    }

    /// Asks, on a connection of its own, until a query has a row.
    static func wait(for address: DatabaseAddress, _ sql: String) async {
        try? await TestDatabase.withPool(of: address, connections: 1) { other in
            while try await other.query(sql).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        }
    }
}

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(2)))
struct CopyTests {
    @Test func rowsGoThereAndBack() async throws {
        try await TestDatabase.with { test in
            try await test.database.query(
                """
                CREATE TABLE a (id bigint, small smallint, middle integer, real real, double double precision,
                    uuid uuid, text text, bytes bytea, flag boolean, moment timestamptz)
                """)
            let uuid = UUID()
            let moment = Date(timeIntervalSince1970: 1_700_000_000.5)
            let stored = try await test.database.withConnection { connection in
                try connection.copyIn(
                    "a",
                    columns: ["id", "small", "middle", "real", "double", "uuid", "text", "bytes", "flag", "moment"]
                ) { writer in
                    for id in 0..<20_000 {
                        try writer.append(Int64(id))
                        try writer.append(Int16(2))
                        try writer.append(Int32(-3))
                        try writer.append(Float(0.25))
                        try writer.append(id % 2 == 0 ? 0.5 : nil)
                        try writer.append(uuid)
                        try writer.append("text \(id)")
                        try writer.append(Data([1, 2]))
                        try writer.append(true)
                        try writer.append(moment)
                    }
                }
            }
            #expect(stored == 20_000)
            let sum = try await test.database.withConnection { connection in
                var sum = 0
                let rows = try connection.copyOut("SELECT * FROM a ORDER BY id") { row in
                    let id = try row.next(Int.self)
                    sum += id
                    guard try row.next() == Int16(2), try row.next() == Int32(-3), try row.next() == Float(0.25),
                        try row.next(Double?.self) == (id % 2 == 0 ? 0.5 : nil), try row.next() == uuid,
                        try row.next() == "text \(id)", try row.next(Data.self).count == 2,
                        try row.next() == true, try row.next() == moment
                    else { throw DatabaseError.decoding("row \(id)") }
                }
                #expect(rows == 20_000)
                return sum
            }
            #expect(sum == 199_990_000)
        }
    }

    @Test func aSenderThatGivesUpStoresNothing() async throws {
        struct Stop: Error {}
        try await TestDatabase.with(connections: 1) { test in
            try await test.database.query("CREATE TABLE a (id bigint)")
            for complete in [true, false] {
                await #expect(throws: (any Error).self) {
                    try await test.database.withConnection { connection in
                        try connection.copyIn("a", columns: ["id"]) { writer in
                            try writer.append(1)
                            if complete { throw Stop() }
                            try writer.append("not eight bytes")
                        }
                    }
                }
                #expect(try await test.database.query("SELECT * FROM a").isEmpty)
            }
            // The connection is fit again, and its statements have a limit again.
            let limit = try await test.database.query("SHOW statement_timeout")[0].decode(at: 0, as: String.self)
            #expect(limit == "30s")
        }
    }

    @Test func aTransactionKeepsTheLimitItHasLifted() async throws {
        try await TestDatabase.with(connections: 1) { test in
            try await test.database.query("CREATE TABLE a (id bigint)")
            let show = "SHOW statement_timeout"
            let within = try await test.database.transaction { connection in
                try connection.query("SET LOCAL statement_timeout = 0")
                try connection.copyIn("a", columns: ["id"]) { writer in try writer.append(1) }
                return try connection.query(show)[0].decode(at: 0, as: String.self)
            }
            #expect(within == "0")
            #expect(try await test.database.query(show)[0].decode(at: 0, as: String.self) == "30s")
            _ = try await test.database.withConnection { connection in
                try connection.copyOut("SELECT * FROM a") { row in _ = try row.next(Int.self) }
            }
            #expect(try await test.database.query(show)[0].decode(at: 0, as: String.self) == "30s")
        }
    }

    @Test func aReaderThatGivesUpLeavesAWorkingPool() async throws {
        struct Stop: Error {}
        try await TestDatabase.with(connections: 1) { test in
            await #expect(throws: Stop.self) {
                try await test.database.withConnection { connection in
                    try connection.copyOut("SELECT generate_series(1, 1000000)") { _ in throw Stop() }
                }
            }
            await #expect(throws: DatabaseError.self) {
                try await test.database.withConnection { connection in
                    try connection.copyOut("SELECT 1 / (3 - i) FROM generate_series(1, 5) AS i") { _ in }
                }
            }
            let rows = try await test.database.query("SELECT 1")
            #expect(rows.count == 1)
        }
    }

    @Test func theReaderTakesAnyCut() throws {
        var writer = CopyWriterCapture()
        let bytes = try writer.bytes(rows: 5)
        for cut in 1..<bytes.count {
            var reader = CopyReader()
            var values: [Int] = []
            for start in stride(from: 0, to: bytes.count, by: cut) {
                try Array(bytes[start..<min(start + cut, bytes.count)]).withUnsafeBytes { chunk in
                    try reader.read(chunk) { row in
                        values.append(try row.next())
                        #expect(try row.next(String?.self) == nil)
                    }
                }
            }
            #expect(values == [0, 1, 2, 3, 4])
        }
    }

    /// What a writer sends.
    private struct CopyWriterCapture {
        private final class Sent {
            var bytes: [UInt8] = []
        }

        mutating func bytes(rows: Int) throws -> [UInt8] {
            let sent = Sent()
            var writer = CopyWriter(columns: 2) { bytes throws(DatabaseError) in sent.bytes += bytes }
            for row in 0..<rows {
                try writer.append(row)
                try writer.append(String?.none)
            }
            try writer.finish()
            return sent.bytes
        }
    }
}

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(2)))
struct MigrationTests {
    private let first = Migration(version: 1, name: "people", sql: "CREATE TABLE thing.people (id integer)")
    private let second = Migration(
        version: 2, name: "names",
        sql: "ALTER TABLE thing.people ADD name text; INSERT INTO thing.people VALUES (1, 'a')")

    @Test func eachRunsOnceHoweverManyAsk() async throws {
        try await TestDatabase.with { test in
            let database = test.database
            try await database.migrate(schema: "thing", [first])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await database.migrate(schema: "thing", [first, second]) } }
                try await group.waitForAll()
            }
            #expect(try await database.query("SELECT * FROM thing.people").count == 1)
            #expect(try await database.query("SELECT * FROM thing.migrations").count == 2)
            // An older build beside a newer one.
            try await database.migrate(schema: "thing", [first])
        }
    }

    @Test func aMigrationThatFailsLeavesNothing() async throws {
        try await TestDatabase.with { test in
            let broken = Migration(version: 2, name: "broken", sql: "CREATE TABLE thing.b (id integer); SELECT 1 / 0")
            await #expect(throws: DatabaseError.self) {
                try await test.database.migrate(schema: "thing", [first, broken])
            }
            let left = try await test.database.query("SELECT 1 FROM pg_namespace WHERE nspname = 'thing'")
            #expect(left.isEmpty)
        }
    }

    @Test func anotherHistoryIsRefused() async throws {
        try await TestDatabase.with { test in
            try await test.database.migrate(schema: "thing", [first])
            let other = Migration(version: 1, name: "animals", sql: "CREATE TABLE thing.animals (id integer)")
            let error = await #expect(throws: DatabaseError.self) {
                try await test.database.migrate(schema: "thing", [other])
            }
            guard case .migration = error else { Issue.record("\(String(describing: error))"); return }
        }
    }
}

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(2)))
struct NotificationTests {
    @Test func theyComeInOrderAndListeningComesBack() async throws {
        try await TestDatabase.with { test in
            let database = test.database
            var notifications = database.notifications(on: "news").makeAsyncIterator()
            #expect(await notifications.next() == .listening)
            try await database.query("SELECT pg_notify('news', 'one'), pg_notify('news', 'two')")
            #expect(await notifications.next() == .notified("one"))
            #expect(await notifications.next() == .notified("two"))
            try await database.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )
            #expect(await notifications.next() == .listening)
        }
    }

    @Test func cancellationEndsThem() async throws {
        try await TestDatabase.with { test in
            let database = test.database
            await withTaskGroup(of: Int.self) { group in
                group.addTask {
                    var count = 0
                    for await _ in database.notifications(on: "news") { count += 1 }
                    return count
                }
                await DatabaseTests.wait(for: test.address, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
                group.cancelAll()
                for await _ in group {}
            }
        }
    }
}

extension TestDatabase {
    /// Runs `body` with a new database and a pool on it.
    static func with(
        connections: Int = 4, _ body: ((address: DatabaseAddress, database: Database)) async throws -> Void
    ) async throws {
        try await withAddress { address in
            try await withPool(of: address, connections: connections) { database in
                try await body((address, database))
            }
        }
    }
}
