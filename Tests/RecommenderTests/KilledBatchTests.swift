import Database
import DatabaseTesting
import Foundation
import Recommender
import Testing

/// What stays of a batch whose process, or whose connection, dies in the midst of it: the current version, whole.
@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct KilledBatchTests {
    /// Where in a batch the end comes.
    enum Phase: CaseIterable {
        case reading, keeping, training, writing, flipping

        /// What keeps a batch in this phase while a transaction holds it.
        var obstacle: String? {
            switch self {
            case .reading: "LOCK TABLE recommender.reactions"
            case .keeping: "LOCK TABLE recommender.summaries IN SHARE MODE"
            case .training: nil
            case .writing: "LOCK TABLE recommender.top IN SHARE MODE"
            case .flipping: "SELECT pg_advisory_xact_lock_shared(3361, 0)"
            }
        }

        /// Whether a session of the batch waits for the obstacle.
        var isReached: String {
            let query =
                switch self {
                case .reading: "%recommender.ratings%"
                case .keeping: "COPY recommender.summaries%"
                case .training: ""
                case .writing: "ALTER TABLE recommender.top ATTACH%"
                case .flipping: "%pg_advisory_xact_lock(3361%"
                }
            return """
                SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND wait_event_type = 'Lock' AND ltrim(query) LIKE '\(query)'
                """
        }
    }

    @Test(arguments: Phase.allCases)
    func aProcessKilledInMidBatchChangesNothing(_ phase: Phase) async throws {
        try await TestDatabase.withStore { store in
            let scenario = try await publishedScenario(store, isSummedUp: phase != .reading && phase != .keeping)
            try await during(phase, store) {
                let process = try await RecommenderProcess(store.database, epochs: phase == .training ? 10_000 : 1)
                defer { process.kill() }
                try await eventually {
                    phase == .training
                        ? process.log.contains("als epoch") : try await !sessions(in: phase, store).isEmpty
                }
            }
            // The server ends the session when it notices that nobody is there.
            try await eventually {
                try await store.database.query(
                    """
                    SELECT FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'mien recommender'
                    """
                ).isEmpty
            }
            try await isWhole(scenario, version: 1)
            let next = try await scenario.batch().run()
            #expect(next == .published(version: 2, rows: 160))
        }
    }

    @Test(arguments: [Phase.reading, .keeping, .writing, .flipping])
    func aDatabaseThatEndsTheSessionInMidBatchChangesNothing(_ phase: Phase) async throws {
        try await TestDatabase.withStore { store in
            let scenario = try await publishedScenario(store, isSummedUp: phase != .reading && phase != .keeping)
            try await during(phase, store) {
                async let failure = failure(of: scenario.batch())
                var waiting: [Int32] = []
                try await eventually {
                    waiting = try await sessions(in: phase, store)
                    return !waiting.isEmpty
                }
                for pid in waiting {
                    try await store.database.query("SELECT pg_terminate_backend($1::int)", .integer(Int64(pid)))
                }
                let error = await failure
                #expect(error is DatabaseError)
            }
            try await isWhole(scenario, version: 1)
            let next = try await scenario.batch().run()
            #expect(next == .published(version: 2, rows: 160))
        }
    }

    // MARK: Parts

    /// Two groups of people with a version, and something new to train on: ratings that are summed up already, or not.
    private func publishedScenario(_ store: Store, isSummedUp: Bool) async throws -> Scenario {
        let scenario = try Scenario(store)
        _ = try await scenario.rateInTwoGroups()
        #expect(try await scenario.batch().run() == .published(version: 1, rows: 160))
        try await store.database.query("SELECT nextval('recommender.changes')")
        if !isSummedUp { try await store.database.query("DELETE FROM recommender.summaries") }
        return scenario
    }

    /// Runs `body` while a transaction stands in the way of a batch's phase.
    private func during(_ phase: Phase, _ store: Store, _ body: @Sendable () async throws -> Void) async throws {
        guard let obstacle = phase.obstacle else { return try await body() }
        try await store.database.withConnection { connection in
            try connection.query("BEGIN")
            try connection.query(obstacle)
            do {
                try await body()
            } catch {
                try connection.query("ROLLBACK")
                throw error
            }
            try connection.query("ROLLBACK")
        }
    }

    private func failure(of batch: Batch) async -> (any Error)? {
        do {
            _ = try await batch.run()
            return nil
        } catch {
            return error
        }
    }

    private func sessions(in phase: Phase, _ store: Store) async throws -> [Int32] {
        try await store.database.query(phase.isReached).map { try $0.decode("pid") }
    }

    private func isWhole(_ scenario: Scenario, version: Int) async throws {
        #expect(try await Versions(scenario.store).all().filter(\.isCurrent).map(\.number) == [version])
        #expect(try await scenario.count("models") == 1)
        #expect(try await scenario.count("top") == 160)
        #expect(try await scenario.count("top", "version = \(version)") == 160)
    }
}

/// The service itself on a test's database, with a batch due at once and no broker.
private struct RecommenderProcess {
    private let process = Process()
    private let logFile: URL

    init(_ database: Database, epochs: Int) async throws {
        logFile = FileManager.default.temporaryDirectory.appending(path: "recommender-\(UUID()).log")
        try Data().write(to: logFile)
        process.executableURL = try RecommenderBinary.url
        process.environment = [
            "DATABASE_URL": try await TestDatabase.url(of: database), "BROKER_PORT": "1", "ADMIN_PORT": "0",
            "LOG_LEVEL": "debug",
            "ALS_INTERVAL": "0.05", "ALS_MINIMUM_NEW_RATINGS": "1", "ALS_RANK": "64", "ALS_ITERATIONS": "\(epochs)",
            "ALS_THREADS": "1",
        ]
        let output = try FileHandle(forWritingTo: logFile)
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    /// What the process has written.
    var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }

    /// Ends it without a chance to clean up.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: logFile)
    }
}
