package import Database
package import FoundationEssentials
package import Messages
internal import Processor

/// Users and faces in Postgres. Statements run on a connection that the caller holds, most of them in its transaction.
package enum FaceStore {
    /// One step in the life of the faces.
    package struct Change: Sendable {
        package var sequence: Int64
        package var face: Int64
        /// What was added and is still there; `nil` when the face was removed or is of a network that nobody asked about.
        package var added: (face: Gallery.Face, template: FaceTemplate)?
    }

    /// How many changes are read at a time.
    package static let page = 2000

    /// The changes after a sequence number, oldest first, at most `page`.
    package static func changes(
        after sequence: Int64, versions: [String], on connection: isolated Connection
    ) throws -> [Change] {
        let rows = try connection.query(
            """
            SELECT c.sequence, c.face_id, c.added, f.user_id, u.person, f.job_id, f.version, f.template, f.origin, f.distance
            FROM identity.changes c
                LEFT JOIN identity.faces f ON f.id = c.face_id AND f.version = ANY ($2)
                LEFT JOIN identity.users u ON u.id = f.user_id
            WHERE c.sequence > $1 ORDER BY c.sequence LIMIT \(page)
            """, .integer(sequence), .texts(versions))
        return try rows.map { row in
            let id: Int64 = try row.decode("face_id")
            var change = Change(sequence: try row.decode("sequence"), face: id)
            if try row.decode("added"), let user: UUID = try row.decode("user_id"),
                let template: Data = try row.decode("template")
            {
                let distance: Double? = try row.decode("distance")
                let face = Gallery.Face(
                    id: id, user: UserID(user), person: UserID(try row.decode("person")),
                    job: JobID(try row.decode("job_id")),
                    origin: FaceOrigin(rawValue: try row.decode("origin")) ?? .enrolment,
                    distance: distance.map(Float.init))
                let values = template.withUnsafeBytes([Float].init(littleEndian:))
                change.added = (face, FaceTemplate(version: try row.decode("version"), values: values))
            }
            return change
        }
    }

    /// Hands every face of these network versions to `body`, and returns up to which change that is so. By COPY, which brings a
    /// million in seconds; in a transaction of its own.
    package static func all(
        versions: [String], on connection: isolated Connection, _ body: (Gallery.Face, FaceTemplate) -> Void
    ) throws -> (sequence: Int64, cleared: Int64) {
        try connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        let cleared = try cleared(on: connection)
        let sequence: Int64 = try connection.query(
            "SELECT coalesce(max(sequence), 0) AS sequence FROM identity.changes")[0].decode("sequence")
        let list = versions.map { "'\($0.replacing("'", with: "''"))'" }.joined(separator: ", ")
        try connection.copyOut(
            """
            SELECT f.id, f.user_id, u.person, f.job_id, f.origin, f.distance, f.version, f.template
            FROM identity.faces f JOIN identity.users u ON u.id = f.user_id WHERE f.version IN (\(list))
            """
        ) { row in
            let id: Int64 = try row.next()
            let (user, person, job): (UUID, UUID, UUID) = (try row.next(), try row.next(), try row.next())
            let origin: String = try row.next()
            let distance: Double? = try row.next()
            let face = Gallery.Face(
                id: id, user: UserID(user), person: UserID(person), job: JobID(job),
                origin: FaceOrigin(rawValue: origin) ?? .enrolment, distance: distance.map(Float.init))
            let version: String = try row.next()
            let template: Data = try row.next()
            body(face, FaceTemplate(version: version, values: template.withUnsafeBytes([Float].init(littleEndian:))))
        }
        return (sequence, cleared)
    }

    /// Makes a user, of whom nothing is known yet. The caller holds the lock.
    package static func add(_ user: UserID, on connection: isolated Connection) throws {
        try connection.query("INSERT INTO identity.users (id, person) VALUES ($1, $1)", .uuid(user.uuid))
    }

    /// Whether there is such a user.
    package static func isKnown(_ user: UserID, on connection: isolated Connection) throws -> Bool {
        try !connection.query("SELECT FROM identity.users WHERE id = $1", .uuid(user.uuid)).isEmpty
    }

    /// Keeps a user's template, unless the job's is kept already. The caller holds the lock.
    package static func add(
        _ template: FaceTemplate, to user: UserID, job: JobID, origin: FaceOrigin, distance: Float?,
        on connection: isolated Connection
    ) throws {
        let rows = try connection.query(
            """
            INSERT INTO identity.faces (user_id, job_id, version, template, origin, distance)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (job_id, version) DO NOTHING RETURNING id
            """, .uuid(user.uuid), .uuid(job.uuid), .text(template.version), .bytes(Data(template.values.littleEndian)),
            .text(origin.rawValue), .optional(distance.map(Double.init), Parameter.double))
        if let row = rows.first { try record(face: row.decode("id"), added: true, on: connection) }
    }

    /// A user's own templates of a network version, the oldest first.
    package static func templates(
        of user: UserID, version: String, on connection: isolated Connection
    ) throws -> [TemplateBank.Kept] {
        try connection.query(
            "SELECT id, template FROM identity.faces WHERE user_id = $1 AND version = $2 ORDER BY id",
            .uuid(user.uuid), .text(version)
        ).map { row in
            let template: Data = try row.decode("template")
            return TemplateBank.Kept(
                id: try row.decode("id"), template: template.withUnsafeBytes([Float].init(littleEndian:)))
        }
    }

    /// Removes a template that another takes the place of. The caller holds the lock.
    package static func remove(_ face: Int64, on connection: isolated Connection) throws {
        try connection.query("DELETE FROM identity.faces WHERE id = $1", .integer(face))
        try record(face: face, added: false, on: connection)
    }

    /// Whether a picture may show somebody who was erased since it was sent: then it makes nobody.
    ///
    /// Whose face that was is not known any more, so one erasure keeps every picture that waited meanwhile from making
    /// somebody. It holds for the time of a wait, and keeps nothing of the erased person: a template kept to tell them from
    /// others would be what they asked to have erased. A job that had made an erased person makes nobody either, though its
    /// client should send it again later.
    package static func mayShowErased(
        job: JobID, submitted: Date, on connection: isolated Connection
    ) throws -> Bool {
        try connection.query(
            """
            SELECT EXISTS (SELECT FROM identity.erased WHERE requested_at >= $2)
                OR EXISTS (SELECT FROM identity.erased_jobs WHERE job_id = $1)
                OR $2 < now() - make_interval(secs => $3) AS may
            """, .uuid(job.uuid), .timestamp(submitted), .double(remembered))[0].decode("may")
    }

    /// All whom an erasure reaches: those it names, and who is one person with them, also when it comes again. The caller holds the
    /// lock.
    package static func reached(
        by request: ErasureRequested, job: JobID, on connection: isolated Connection
    ) throws -> [UserID] {
        for user in try Merges.everybody(with: request.users, on: connection) where !request.users.contains(user) {
            try connection.query(
                "INSERT INTO identity.erased_aliases (job_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                .uuid(job.uuid), .uuid(user.uuid))
        }
        let aliases = try connection.query(
            "SELECT user_id FROM identity.erased_aliases WHERE job_id = $1 ORDER BY user_id", .uuid(job.uuid))
        return request.users + (try aliases.map { UserID(try $0.decode("user_id")) })
    }

    /// Removes a user and all that is known of them, and remembers for a while that this was done. The caller holds the lock.
    ///
    /// - Parameter requested: when it was asked for.
    /// - Returns: whether the user was known, now or when they were erased before. If not, nothing is changed.
    package static func erase(
        _ user: UserID, requested: Date, on connection: isolated Connection
    ) throws -> Bool {
        let faces = try connection.query(
            "DELETE FROM identity.faces WHERE user_id = $1 RETURNING id, job_id", .uuid(user.uuid))
        for face in faces {
            try connection.query(
                "INSERT INTO identity.erased_jobs (job_id) VALUES ($1) ON CONFLICT DO NOTHING",
                .uuid(face.decode("job_id")))
            try record(face: face.decode("id"), added: false, on: connection)
        }
        let users = try connection.query("DELETE FROM identity.users WHERE id = $1", .uuid(user.uuid))
        if users.affected > 0 {
            try connection.query(
                "INSERT INTO identity.erased (user_digest, requested_at) VALUES (sha256(uuid_send($1)), $2)",
                .uuid(user.uuid), .timestamp(requested))
            return true
        }
        // Asked for again, perhaps because the first answer was lost.
        return try connection.query(
            """
            UPDATE identity.erased SET requested_at = greatest(requested_at, $2)
            WHERE user_digest = sha256(uuid_send($1))
            """, .uuid(user.uuid), .timestamp(requested)
        ).affected > 0
    }

    /// Forgets who was erased so long ago that no job under way can be about them, and clears away the changes of faces that
    /// are gone, a day after.
    package static func sweep(on connection: isolated Connection) throws {
        for table in ["erased", "erased_jobs", "erased_aliases"] {
            try connection.query(
                "DELETE FROM identity.\(table) WHERE erased_at < now() - make_interval(secs => $1)",
                .double(remembered))
        }
        // The last one stays: the next takes its number from it.
        try connection.query(
            """
            WITH cleared AS (
                DELETE FROM identity.changes
                WHERE changed_at < now() - interval '1 day'
                    AND sequence < (SELECT max(sequence) FROM identity.changes)
                    AND NOT EXISTS (SELECT FROM identity.faces WHERE faces.id = changes.face_id AND changes.added)
                RETURNING sequence
            )
            UPDATE identity.cleared SET sequence = greatest(sequence, (SELECT max(cleared.sequence) FROM cleared))
            WHERE EXISTS (SELECT FROM cleared)
            """)
    }

    /// The last change that was cleared away; 0 when none was.
    package static func cleared(on connection: isolated Connection) throws -> Int64 {
        try connection.query("SELECT sequence FROM identity.cleared")[0].decode("sequence")
    }

    /// How long an erasure is remembered, in seconds.
    private static let remembered = Double(JobHeader.longestLife.components.seconds)

    /// What is kept here of the person a user is, if there is one.
    package static func describe(_ user: UserID, on connection: isolated Connection) throws -> UserDescribed? {
        let everybody = try Merges.everybody(with: [user], on: connection)
        let rows = try connection.query(
            """
            SELECT person, min(created_at) OVER () AS since, consent, consented_at FROM identity.users
            WHERE id = ANY ($1) ORDER BY consented_at DESC NULLS LAST LIMIT 1
            """,
            .uuids(everybody.map(\.uuid)))
        guard let row = rows.first else { return nil }
        let person: UserID = UserID(try row.decode("person"))
        let since: Date = try row.decode("since")
        let templates = try connection.query(
            "SELECT created_at, version, origin FROM identity.faces WHERE user_id = ANY ($1) ORDER BY created_at, id",
            .uuids(everybody.map(\.uuid))
        ).map { template in
            UserDescribed.Template(
                added: try template.decode("created_at"), version: try template.decode("version"),
                by: try template.decode("origin"))
        }
        let consent = try row.decode("consent", as: String?.self).map {
            UserDescribed.Consent(version: $0, at: try row.decode("consented_at"))
        }
        return UserDescribed(
            user: person, since: since.timeIntervalSince1970, faces: templates.count, templates: templates,
            merged: everybody.filter { $0 != person }, consent: consent)
    }

    /// Keeps by which text a user agreed to be recognised. The same text again, and what comes late, changes nothing.
    package static func agree(
        _ user: UserID, to text: String, at moment: Date, on connection: isolated Connection
    ) throws {
        try connection.query(
            """
            UPDATE identity.users SET consent = $2, consented_at = $3
            WHERE id = $1 AND consent IS DISTINCT FROM $2 AND coalesce(consented_at <= $3, true)
            """, .uuid(user.uuid), .text(text), .timestamp(moment))
    }

    /// Workers read the face again, or forget it. The caller holds the lock.
    static func record(face: Int64, added: Bool, on connection: isolated Connection) throws {
        try connection.query(
            """
            INSERT INTO identity.changes (sequence, face_id, added)
            SELECT coalesce(max(sequence), 0) + 1, $1, $2 FROM identity.changes
            """, .integer(face), .boolean(added))
        try connection.query("SELECT pg_notify('\(Schema.channel)', '')")
    }
}
