package import Database
internal import FoundationEssentials
package import Messages

/// Users and faces in Postgres. Statements run on a connection that the caller holds, most of them in its transaction.
package enum FaceStore {
    /// One step in the life of the faces.
    package struct Change: Sendable {
        package var sequence: Int64
        package var face: Int64
        /// What was added and is still there; `nil` when the face was removed or is of another network version.
        package var added: (face: Gallery.Face, template: [Float])?
    }

    /// How many changes are read at a time.
    package static let page = 2000

    /// The changes after a sequence number, oldest first, at most `page`.
    package static func changes(
        after sequence: Int64, version: String, on connection: isolated Connection
    ) throws -> [Change] {
        let rows = try connection.query(
            """
            SELECT c.sequence, c.face_id, c.added, f.user_id, f.job_id, f.template, f.distance
            FROM identity.changes c LEFT JOIN identity.faces f ON f.id = c.face_id AND f.version = $2
            WHERE c.sequence > $1 ORDER BY c.sequence LIMIT \(page)
            """, .integer(sequence), .text(version))
        return try rows.map { row in
            let id: Int64 = try row.decode("face_id")
            var change = Change(sequence: try row.decode("sequence"), face: id)
            if try row.decode("added"), let user: UUID = try row.decode("user_id"),
                let template: Data = try row.decode("template")
            {
                let distance: Double? = try row.decode("distance")
                let face = Gallery.Face(
                    id: id, user: UserID(user), job: JobID(try row.decode("job_id")), distance: distance.map(Float.init)
                )
                change.added = (face, values(of: template))
            }
            return change
        }
    }

    /// Makes a user of a face. The caller holds the lock.
    package static func enrol(
        _ template: FaceTemplate, job: JobID, distance: Float?, on connection: isolated Connection
    ) throws -> UserID {
        let user = UserID.random()
        try connection.query("INSERT INTO identity.users (id) VALUES ($1)", .uuid(user.uuid))
        let rows = try connection.query(
            """
            INSERT INTO identity.faces (user_id, job_id, version, template, distance)
            VALUES ($1, $2, $3, $4, $5) RETURNING id
            """, .uuid(user.uuid), .uuid(job.uuid), .text(template.version), .bytes(bytes(of: template.values)),
            .optional(distance.map(Double.init), Parameter.double))
        try record(face: rows[0].decode("id"), added: true, on: connection)
        return user
    }

    /// Whether a job's face was erased before the job came here again.
    package static func isErased(job: JobID, on connection: isolated Connection) throws -> Bool {
        try !connection.query("SELECT 1 FROM identity.erased_jobs WHERE job_id = $1", .uuid(job.uuid)).isEmpty
    }

    /// Removes a user and all that is known of them. The caller holds the lock. Does nothing when there is no such user.
    package static func erase(_ user: UserID, on connection: isolated Connection) throws {
        let faces = try connection.query(
            "DELETE FROM identity.faces WHERE user_id = $1 RETURNING id, job_id", .uuid(user.uuid))
        for face in faces {
            try connection.query(
                "INSERT INTO identity.erased_jobs (job_id) VALUES ($1) ON CONFLICT DO NOTHING",
                .uuid(face.decode("job_id")))
            try record(face: face.decode("id"), added: false, on: connection)
        }
        try connection.query("DELETE FROM identity.users WHERE id = $1", .uuid(user.uuid))
        // No queue keeps a message for longer than a week.
        try connection.query("DELETE FROM identity.erased_jobs WHERE erased_at < now() - interval '30 days'")
    }

    /// What is known of a user, if there is one.
    package static func describe(_ user: UserID, on connection: isolated Connection) throws -> UserDescribed? {
        let rows = try connection.query(
            """
            SELECT created_at, (SELECT count(*) FROM identity.faces WHERE user_id = $1) AS faces
            FROM identity.users WHERE id = $1
            """, .uuid(user.uuid))
        guard let row = rows.first else { return nil }
        let since: Date = try row.decode("created_at")
        return UserDescribed(user: user, since: since.timeIntervalSince1970, faces: try row.decode("faces"))
    }

    private static func record(face: Int64, added: Bool, on connection: isolated Connection) throws {
        try connection.query(
            """
            INSERT INTO identity.changes (sequence, face_id, added)
            SELECT coalesce(max(sequence), 0) + 1, $1, $2 FROM identity.changes
            """, .integer(face), .boolean(added))
        try connection.query("SELECT pg_notify('\(Schema.channel)', '')")
    }

    /// A template as it is stored: little-endian float32.
    static func bytes(of values: [Float]) -> Data {
        var data = Data(capacity: values.count * 4)
        for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
        return data
    }

    static func values(of bytes: Data) -> [Float] {
        bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / 4).map { index in
                Float(
                    bitPattern: UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
            }
        }
    }
}
