internal import Database
internal import FoundationEssentials
internal import Messages

/// What happened to a face.
struct Change: Sendable {
    enum Event: Sendable {
        case enrolled(EnrolledFace, template: [Float])
        case erased(Int64)
        /// Of another network version, or of a face that is gone again.
        case irrelevant
    }

    /// Its place in the order of commits, from 1.
    var sequence: Int64
    var event: Event
}

/// Identity's tables, as seen by one network version.
struct Store: Sendable {
    /// How many changes are read at once.
    static let changesAtOnce = 4096
    /// How long the jobs of erased users are remembered: longer than a job may wait anywhere.
    private static let memoryOfErasure = "30 days"
    private static let channel = "identity_changes"
    /// Taken by whoever writes; any constant of our own.
    private static let lock: Parameter = "identity changes"

    let database: Database
    /// The network version whose templates are compared.
    let version: String
    /// The width of its templates.
    let width: Int

    func migrate() async throws {
        try await database.migrate(schema: Schema.name, Schema.migrations)
    }

    /// Comes to life with each commit that changes faces.
    var notifications: DatabaseNotifications { database.notifications(on: Self.channel) }

    /// All faces of the version, and the last change that is in them.
    func load() async throws -> (faces: FaceMatrix, sequence: Int64) {
        try await database.transaction { connection in
            try connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            let sequence: Int64 = try connection.query(
                "SELECT coalesce(max(sequence), 0) AS sequence FROM identity.changes")[0].decode("sequence")
            var faces = FaceMatrix(width: width)
            let quoted = version.replacing("'", with: "''")
            try connection.copyOut(
                "SELECT id, user_id, job_id, distance, template FROM identity.faces WHERE version = '\(quoted)'"
            ) { row in
                let face = EnrolledFace(
                    face: try row.next(), user: UserID(try row.next()), job: JobID(try row.next()),
                    distance: try row.next())
                try row.nextBytes { bytes in
                    guard let bytes, bytes.count == width * 4 else {
                        throw DatabaseError.decoding("face \(face.face) has no template of width \(width)")
                    }
                    faces.insert(face, template: [Float](littleEndian: bytes))
                }
            }
            return (faces, sequence)
        }
    }

    /// The next changes after one, at most `changesAtOnce`, in order.
    func changes(after sequence: Int64) async throws(DatabaseError) -> [Change] {
        try changes(try await database.query(Self.changesQuery, parameters: changesParameters(sequence)))
    }

    private static let changesQuery = """
        SELECT c.sequence, c.kind = 'erased' AS erased, c.face, f.user_id, f.job_id, f.distance, f.template
        FROM identity.changes AS c
        LEFT JOIN identity.faces AS f ON f.id = c.face AND f.version = $2 AND c.kind = 'enrolled'
        WHERE c.sequence > $1 ORDER BY c.sequence LIMIT $3
        """

    private func changesParameters(_ sequence: Int64) -> [Parameter] {
        [.integer(sequence), .text(version), .integer(Self.changesAtOnce)]
    }

    private func changes(_ rows: Rows) throws(DatabaseError) -> [Change] {
        var changes: [Change] = []
        changes.reserveCapacity(rows.count)
        for row in rows {
            let face: Int64 = try row.decode("face")
            let event: Change.Event
            if try row.decode("erased") {
                event = .erased(face)
            } else if let user: UUID = try row.decode("user_id", as: UUID?.self) {
                let template: Data = try row.decode("template")
                guard template.count == width * 4 else {
                    throw .decoding("face \(face) has no template of width \(width)")
                }
                event = .enrolled(
                    EnrolledFace(
                        face: face, user: UserID(user), job: JobID(try row.decode("job_id")),
                        distance: try row.decode("distance")),
                    template: template.withUnsafeBytes { [Float](littleEndian: $0) })
            } else {
                event = .irrelevant
            }
            changes.append(Change(sequence: try row.decode("sequence"), event: event))
        }
        return changes
    }

    // MARK: Enrolment

    /// Runs `body` while no other worker may change faces; what it inserts is committed before another's turn.
    func alone<R: Sendable>(
        _ body: @Sendable (isolated Connection, Enrolment) async throws -> R
    ) async throws -> R {
        try await database.transaction { connection in
            try connection.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", Self.lock)
            return try await body(connection, Enrolment(store: self))
        }
    }

    /// What can be done while alone.
    struct Enrolment: Sendable {
        fileprivate let store: Store

        /// The face that a job has enrolled; throws `ErasedJob` when it did and was erased since.
        func face(enrolledBy job: JobID, _ connection: isolated Connection) throws -> EnrolledFace? {
            let erased = try connection.query(
                "SELECT 1 FROM identity.erased_jobs WHERE digest = sha256(uuid_send($1))", .uuid(job.uuid))
            guard erased.isEmpty else { throw ErasedJob() }
            let rows = try connection.query(
                "SELECT id, user_id, distance FROM identity.faces WHERE job_id = $1", .uuid(job.uuid))
            guard let row = rows.first else { return nil }
            return EnrolledFace(
                face: try row.decode("id"), user: UserID(try row.decode("user_id")), job: job,
                distance: try row.decode("distance"))
        }

        /// The next changes after one, all of them committed.
        func changes(after sequence: Int64, _ connection: isolated Connection) throws(DatabaseError) -> [Change] {
            try store.changes(
                try connection.query(Store.changesQuery, parameters: store.changesParameters(sequence)))
        }

        /// Makes a user of a face.
        func insert(
            user: UserID, job: JobID, template: [Float], distance: Float?, _ connection: isolated Connection
        ) throws(DatabaseError) {
            try connection.query(
                """
                WITH u AS (INSERT INTO identity.users (id) VALUES ($1) RETURNING id),
                f AS (
                    INSERT INTO identity.faces (user_id, job_id, version, template, distance)
                    SELECT id, $2, $3, $4, $5 FROM u RETURNING id
                ),
                c AS (
                    INSERT INTO identity.changes (sequence, kind, face)
                    SELECT (SELECT coalesce(max(sequence), 0) + 1 FROM identity.changes), 'enrolled', id FROM f
                )
                SELECT pg_notify($6, '')
                """,
                .uuid(user.uuid), .uuid(job.uuid), .text(store.version), .bytes(template.littleEndian),
                .optional(distance.map(Double.init), Parameter.double), .text(Store.channel))
        }
    }

    // MARK: Users

    /// What is known of a user; `nil` when nobody is.
    func describe(_ user: UserID) async throws(DatabaseError) -> UserDescribed? {
        let rows = try await database.query(
            """
            SELECT created_at, (SELECT count(*) FROM identity.faces WHERE user_id = $1) AS faces
            FROM identity.users WHERE id = $1
            """, .uuid(user.uuid))
        guard let row = rows.first else { return nil }
        let since: Date = try row.decode("created_at")
        return UserDescribed(user: user, since: since.timeIntervalSince1970, faces: try row.decode("faces"))
    }

    /// Erases a user and every face of theirs, of whatever version; whether there was one. Twice does no harm.
    @discardableResult
    func erase(_ user: UserID) async throws -> Bool {
        try await alone { connection, _ in
            try connection.query(
                "DELETE FROM identity.erased_jobs WHERE erased_at < now() - interval '\(Self.memoryOfErasure)'")
            try connection.query(
                """
                WITH f AS (DELETE FROM identity.faces WHERE user_id = $1 RETURNING id, job_id),
                j AS (INSERT INTO identity.erased_jobs (digest) SELECT sha256(uuid_send(job_id)) FROM f ON CONFLICT DO NOTHING)
                INSERT INTO identity.changes (sequence, kind, face)
                SELECT (SELECT coalesce(max(sequence), 0) FROM identity.changes) + row_number() OVER (ORDER BY id), 'erased', id
                FROM f
                """, .uuid(user.uuid))
            let erased = try connection.query("DELETE FROM identity.users WHERE id = $1", .uuid(user.uuid)).affected
            if erased > 0 { try connection.query("SELECT pg_notify($1, '')", .text(Self.channel)) }
            return erased > 0
        }
    }
}

/// A job that had enrolled somebody who is erased since.
struct ErasedJob: Error {}

extension [Float] {
    /// float32 values as they lie in a template: least significant byte first, whatever the machine.
    init(littleEndian bytes: UnsafeRawBufferPointer) {
        self = (0..<bytes.count / 4).map { index in
            Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
        }
    }

    /// The values as a template.
    var littleEndian: Data {
        var data = Data(capacity: 4 * count)
        for value in self { Swift.withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
        return data
    }
}
