import Database

/// The transactions that rows name: `people.changed`, `summaries.changed`, `erased.erased_by` and `versions.snapshot`.
///
/// A dump takes them along, but they count in the cluster that wrote them. In one that has not come so far they would be
/// younger than every version, each batch would take all people for changed since, and fold them in under its lock.
enum TransactionNumbers {
    /// Numbers anew what names transactions that this cluster has not reached. Who changed or was erased after which version
    /// stays as it was, and so does which summaries are valid. Does nothing in the cluster that wrote them.
    static func recount(_ connection: isolated Connection) throws {
        guard try areAhead(connection) else { return }
        try Lock.publication(connection)
        guard try areAhead(connection) else { return }
        try connection.liftLimit()
        // A version's snapshot sees what the versions before it see. So what k versions don't see gets the number 3 + 2k, and
        // the snapshot of the p-th version sees what is below 2 + 2p. 3 is the first number of all clusters.
        try connection.script(
            """
            CREATE TEMPORARY TABLE snapshots ON COMMIT DROP AS
                SELECT number, snapshot, row_number() OVER (ORDER BY number) AS place FROM recommender.versions;
            CREATE FUNCTION pg_temp.renumbered(changed xid8) RETURNS xid8 LANGUAGE sql STABLE AS $$
                SELECT (3 + 2 * count(*))::text::xid8 FROM pg_temp.snapshots WHERE NOT pg_visible_in_snapshot(changed, snapshot)
            $$;
            DELETE FROM recommender.summaries WHERE NOT EXISTS (
                SELECT FROM recommender.people
                WHERE people.user_id = summaries.user_id AND people.changed = summaries.changed
            );
            UPDATE recommender.summaries SET changed = pg_temp.renumbered(changed);
            UPDATE recommender.people SET changed = pg_temp.renumbered(changed) WHERE changed IS NOT NULL;
            UPDATE recommender.erased SET erased_by = pg_temp.renumbered(erased_by);
            UPDATE recommender.versions SET snapshot = format('%s:%s:', 2 + 2 * place, 2 + 2 * place)::pg_snapshot
                FROM snapshots WHERE snapshots.number = versions.number;
            DROP FUNCTION pg_temp.renumbered;
            """)
    }

    private static func areAhead(_ connection: isolated Connection) throws -> Bool {
        try connection.query(
            """
            SELECT coalesce(greatest(
                (SELECT changed FROM recommender.people WHERE changed IS NOT NULL ORDER BY changed DESC LIMIT 1),
                (SELECT max(erased_by) FROM recommender.erased),
                (SELECT max(pg_snapshot_xmax(snapshot)) FROM recommender.versions)
            ) > pg_current_xact_id(), false) AS ahead
            """)[0].decode("ahead")
    }
}
