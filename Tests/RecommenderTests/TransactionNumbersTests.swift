import Database
import DatabaseTesting
import Foundation
import Messages
import Recommender
import Testing

/// A database that was dumped in one cluster and restored into another, which has not counted so far.
@Suite(.enabled(if: TestDatabase.server != nil, "\(TestDatabase.isMissing)"), .timeLimit(.minutes(5)))
struct TransactionNumbersTests {
    @Test func aRestoredDatabaseKeepsWhoChangedAfterWhichVersion() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let people = try await scenario.rateInTwoGroups()
            for index in 0..<3 {
                _ = try await scenario.batch().run()
                _ = try await scenario.selfie(people[index], watching: scenario.video(50), rating: 1)
            }
            _ = try await scenario.send(ErasureRequested(user: people[9]), .erasure)
            let before = try await view(store)
            #expect(before.changed.map(\.count) == [3, 2, 1])
            #expect(before.erased == [1, 1, 1])

            try await store.database.transaction { connection in
                for column in ["people.changed", "summaries.changed", "erased.erased_by"] {
                    let parts = column.split(separator: ".")
                    try connection.query(
                        """
                        UPDATE recommender.\(parts[0])
                        SET \(parts[1]) = (\(parts[1])::text::bigint + 1000000000000)::text::xid8
                        """)
                }
                // Dense snapshots: no transaction was running.
                try connection.query(
                    """
                    UPDATE recommender.versions SET snapshot = format('%1$s:%1$s:',
                        pg_snapshot_xmax(snapshot)::text::bigint + 1000000000000)::pg_snapshot
                    """)
            }
            try await store.prepare(scenario.catalogue)
            #expect(try await view(store) == before)
            let ahead = try await store.database.query(
                """
                SELECT count(*) AS n FROM recommender.people, recommender.versions
                WHERE changed > pg_current_xact_id() OR pg_snapshot_xmax(snapshot) > pg_current_xact_id()
                """)
            #expect(try ahead[0].decode("n") == 0)

            // The next batch leaves nobody to be folded in, and whoever rates from now on is seen.
            let outcome = try await scenario.batch().run()
            guard case .published(version: 4, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(try await view(store).changed.last == [])
            _ = try await scenario.selfie(people[4], watching: scenario.video(50), rating: 1)
            #expect(try await view(store).changed.last == [people[4].uuid])
        }
    }

    @Test func nothingIsNumberedAnewInItsOwnCluster() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroups()
            _ = try await scenario.batch().run()
            let numbers = "SELECT string_agg(changed::text, ' ' ORDER BY user_id) AS all FROM recommender.people"
            let before = try await store.database.query(numbers)[0].decode("all", as: String.self)
            try await store.prepare(scenario.catalogue)
            #expect(try await store.database.query(numbers)[0].decode("all", as: String.self) == before)
        }
    }

    /// What the rows' transactions mean, by version from the oldest on.
    private struct View: Equatable {
        /// Who changed after it.
        var changed: [[UUID]] = []
        /// How many were erased after it.
        var erased: [Int] = []
        /// Whose summary is valid.
        var summed: [UUID] = []
    }

    private func view(_ store: Store) async throws -> View {
        var view = View()
        for version in try await store.database.query("SELECT number FROM recommender.versions ORDER BY number") {
            let number: Int = try version.decode("number")
            let people = try await store.database.query(
                """
                SELECT user_id FROM recommender.people JOIN recommender.versions
                    ON number = $1 AND NOT pg_visible_in_snapshot(changed, snapshot)
                ORDER BY user_id
                """, .integer(number))
            view.changed.append(try people.map { try $0.decode("user_id") })
            let erased = try await store.database.query(
                """
                SELECT count(*) AS n FROM recommender.erased JOIN recommender.versions
                    ON number = $1 AND NOT pg_visible_in_snapshot(erased_by, snapshot)
                """, .integer(number))
            view.erased.append(try erased[0].decode("n"))
        }
        view.summed = try await store.database.query(
            "SELECT user_id FROM recommender.people JOIN recommender.summaries USING (user_id, changed) ORDER BY user_id"
        ).map { try $0.decode("user_id") }
        return view
    }
}
