package import Broker
package import Database
package import FoundationEssentials
package import Messages
import ServiceLifecycle

/// The accepted jobs, in Postgres: any gateway tells how any of them stands.
package struct JobStore: Sendable {
    private let database: Database
    private let ledger: ErasureLedger?

    /// `ledger` is told of every erasure before it counts as done.
    package init(_ database: Database, ledger: ErasureLedger? = nil) {
        self.database = database
        self.ledger = ledger
    }

    /// The schema `gateway`.
    package static let migrations = [
        Migration(
            version: 1, name: "jobs",
            sql: """
                CREATE TABLE gateway.jobs (
                    id uuid PRIMARY KEY,
                    trip text NOT NULL,
                    state text NOT NULL CHECK (state IN ('queued', 'done', 'failed')),
                    user_id uuid,
                    result json,
                    failure json,
                    created timestamptz NOT NULL DEFAULT now(),
                    finished timestamptz
                );
                CREATE INDEX jobs_of_user ON gateway.jobs (user_id) WHERE user_id IS NOT NULL;
                CREATE INDEX jobs_by_age ON gateway.jobs (state, created);
                -- Digests of the ids of users who were erased: what arrives late about them is not kept.
                CREATE TABLE gateway.erased (
                    user_digest bytea PRIMARY KEY,
                    erased timestamptz NOT NULL DEFAULT now()
                );
                """)
    ]

    /// Brings the schema up to date.
    package func migrate() async throws {
        try await database.migrate(schema: "gateway", Self.migrations)
    }

    /// A job as a request for it finds it.
    package struct Entry: Sendable {
        package enum Origin: Sendable {
            /// It is new.
            case written
            /// It had failed for a reason that passes, and waits again.
            case revived
            /// It came before.
            case found
        }

        package var state: JobRecord.State
        /// Since when it waits, or waited.
        package var created: Date
        package var origin: Origin
        /// Changes whenever anybody writes the job's row.
        fileprivate var version: String
    }

    /// Writes a job down before it is handed to the broker, and returns how it stands: `queued`, unless the same job came before and
    /// is done, or failed for good. One that failed for a reason that passes begins anew.
    package func insert(_ job: JobID, _ trip: Trip) async throws(DatabaseError) -> Entry {
        let row = try await database.query(
            """
            INSERT INTO gateway.jobs (id, trip, state) VALUES ($1, $2, 'queued')
            ON CONFLICT (id) DO UPDATE SET id = excluded.id
            RETURNING state, created, (xmax = 0) AS is_new, xmin::text AS version
            """, .uuid(job.uuid), .text(trip.rawValue))[0]
        let entry = Entry(
            state: try Self.state(row), created: try row.decode("created"),
            origin: try row.decode("is_new") ? .written : .found, version: try row.decode("version"))
        guard entry.state == .failed else { return entry }
        let passing = Failure.Kind.allCases.filter(\.passes).map(\.rawValue).joined(separator: " ")
        let revived = try await database.query(
            """
            UPDATE gateway.jobs SET state = 'queued', failure = NULL, finished = NULL, created = now()
            WHERE id = $1 AND state = 'failed' AND failure->>'kind' = ANY (string_to_array($2, ' '))
            RETURNING created, xmin::text AS version
            """, .uuid(job.uuid), .text(passing))
        guard let again = revived.first else { return entry }
        return Entry(
            state: .queued, created: try again.decode("created"), origin: .revived,
            version: try again.decode("version"))
    }

    /// Takes back what `insert` wrote of a job that the broker did not take: a new one is struck out, a revived one failed again.
    ///
    /// Not when another request for the same job came in between, which may have handed it over and told its client where it is.
    package func withdraw(_ job: JobID, _ entry: Entry, _ failure: Failure) async throws(DatabaseError) {
        switch entry.origin {
        case .written:
            try await database.query(
                "DELETE FROM gateway.jobs WHERE id = $1 AND state = 'queued' AND xmin::text = $2", .uuid(job.uuid),
                .text(entry.version))
        case .revived:
            try await database.query(
                """
                UPDATE gateway.jobs SET state = 'failed', failure = $3::text::json, finished = now()
                WHERE id = $1 AND state = 'queued' AND xmin::text = $2
                """, .uuid(job.uuid), .text(entry.version),
                .text(String(decoding: JSON.encode(failure), as: UTF8.self)))
        case .found: break
        }
    }

    /// Removes a finished job of which nobody was told.
    package func forget(_ job: JobID) async throws(DatabaseError) {
        try await database.query("DELETE FROM gateway.jobs WHERE id = $1", .uuid(job.uuid))
    }

    /// The job, or `nil` when there is none of this id.
    package func job(_ id: JobID) async throws(DatabaseError) -> JobRecord? {
        let rows = try await database.query(
            """
            SELECT trip, state, created, finished, result::text AS result, failure::text AS failure
            FROM gateway.jobs WHERE id = $1
            """, .uuid(id.uuid))
        guard let row = rows.first else { return nil }
        guard let trip = Trip(rawValue: try row.decode("trip")) else {
            throw .decoding("trip: a trip that this build does not know")
        }
        var record = JobRecord(
            id: id, trip: trip, state: try Self.state(row), created: try row.decode("created"),
            finished: try row.decode("finished"))
        if let text = try row.decode("result", as: String?.self) {
            record.result = try Self.result(text, of: trip)
        }
        if let text = try row.decode("failure", as: String?.self) {
            record.problem = Problem(try Self.decoded(Failure.self, text, column: "failure"))
        }
        return record
    }

    /// The job once it is finished, or as it stands when the time is up or the service begins to stop.
    package func job(_ id: JobID, waiting limit: Duration) async throws(DatabaseError) -> JobRecord? {
        let end = ContinuousClock.now + limit
        var pause = Duration.milliseconds(20)
        while true {
            let record = try await job(id)
            let left = end - .now
            guard let record, record.state == .queued, left > .zero, !Task.isShuttingDownGracefully else {
                return record
            }
            let nap = min(pause, left)
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: nap) }
            } catch {
                if Task.isCancelled { throw .cancelled }
            }
            pause = min(pause * 2, .milliseconds(400))
        }
    }

    /// Writes down what ended an accepted job. The same again changes nothing, and a job that is done stays done.
    ///
    /// An erasure's end takes the user's other jobs with it; what comes later about an erased user is not kept.
    ///
    /// - Throws: `EnvelopeError` when the message is none that ends a trip; `DatabaseError`.
    package func finish(_ envelope: Envelope) async throws {
        switch envelope.type {
        case Recommended.name:
            let answer = SelfieAnswer(try envelope.decode(Recommended.self), header: envelope.header)
            try await store(envelope.header, .done, user: answer.user.id, result: JSON.encode(answer))
        case FaceAnalysed.name:
            let answer = AnalysisAnswer(try envelope.decode(FaceAnalysed.self), header: envelope.header)
            try await store(envelope.header, .done, result: JSON.encode(answer))
        case FacesFound.name:
            let answer = FacesAnswer(try envelope.decode(FacesFound.self), header: envelope.header)
            try await store(envelope.header, .done, result: JSON.encode(answer))
        case UsersMerged.name:
            guard let answer = MergeAnswer(try envelope.decode(UsersMerged.self)) else {
                throw EnvelopeError.undecodable(type: envelope.type, reason: "it is about nobody")
            }
            try await store(envelope.header, .done, user: answer.user, result: JSON.encode(answer))
        case ErasureRequested.name:
            try await erase(try envelope.decode(ErasureRequested.self), envelope.header)
        case Failure.name:
            try await store(envelope.header, .failed, failure: try envelope.decode(Failure.self))
        default:
            throw EnvelopeError.unexpectedType(envelope.type)
        }
    }

    private func store(
        _ header: JobHeader, _ state: JobRecord.State, user: UserID? = nil, result: Data? = nil,
        failure: Failure? = nil
    ) async throws {
        try await database.transaction { connection in
            if let user {
                try Self.lock(user, connection)
                let erased = try connection.query(
                    "SELECT 1 FROM gateway.erased WHERE user_digest = sha256(uuid_send($1))", .uuid(user.uuid))
                if !erased.isEmpty || header.isPastLife(at: .now) {
                    let failure = Failure(.unknownUser, "The person was erased before the job ended.")
                    return try Self.write(header, .failed, failure: failure, connection)
                }
            }
            try Self.write(header, state, user: user, result: result, failure: failure, connection)
        }
    }

    /// Only who was known, here or at a stage, is remembered: an id that nobody was ever given leaves no trace.
    private func erase(_ request: ErasureRequested, _ header: JobHeader) async throws {
        try await database.transaction { [ledger] connection in
            // In one order, so that two erasures of several people do not wait for each other.
            for user in request.users.sorted(by: { $0.description < $1.description }) {
                try Self.lock(user, connection)
                let jobs = try connection.query("DELETE FROM gateway.jobs WHERE user_id = $1", .uuid(user.uuid))
                guard request.known.contains(user) || jobs.affected > 0 else { continue }
                try ledger?.record(user)
                try connection.query(
                    "INSERT INTO gateway.erased (user_digest) VALUES (sha256(uuid_send($1))) ON CONFLICT DO NOTHING",
                    .uuid(user.uuid))
            }
            try Self.write(header, .done, connection)
        }
    }

    /// Keeps a result and an erasure of one user from passing each other unseen.
    private static func lock(_ user: UserID, _ connection: isolated Connection) throws(DatabaseError) {
        try connection.query(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", .text("gateway user \(user)"))
    }

    private static func write(
        _ header: JobHeader, _ state: JobRecord.State, user: UserID? = nil, result: Data? = nil,
        failure: Failure? = nil, _ connection: isolated Connection
    ) throws(DatabaseError) {
        try connection.query(
            """
            INSERT INTO gateway.jobs (id, trip, state, user_id, result, failure, finished)
            VALUES ($1, $2, $3, $4::uuid, $5::text::json, $6::text::json, now())
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, user_id = excluded.user_id, result = excluded.result,
                failure = excluded.failure, finished = excluded.finished
            WHERE jobs.state <> 'done'
            """,
            .uuid(header.job.uuid), .text(header.trip.rawValue), .text(state.rawValue),
            .optional(user) { .uuid($0.uuid) }, .optional(result) { .text(String(decoding: $0, as: UTF8.self)) },
            .optional(failure) { .text(String(decoding: JSON.encode($0), as: UTF8.self)) })
    }

    /// Removes finished jobs older than `retention`, and gives up those that have been queued longer than `limit`:
    /// their messages were lost, or nobody works. A result that comes after all still counts.
    ///
    /// What is done and names nobody goes after `anonymousRetention` already: an analysis, or the selfie of somebody uncertain,
    /// which no erasure can find, and erasures themselves.
    package func sweep(
        retention: Duration, anonymousRetention: Duration, limit: Duration
    ) async throws(DatabaseError) {
        try await database.query(
            """
            DELETE FROM gateway.jobs WHERE state <> 'queued' AND finished < now() - make_interval(
                secs => CASE WHEN state = 'done' AND user_id IS NULL THEN least($1, $2) ELSE $1 END)
            """, .double(retention.seconds), .double(anonymousRetention.seconds))
        let failure = Failure(.attemptsExhausted, "The job was not finished in time: send it again.", stage: .gateway)
        try await database.query(
            """
            UPDATE gateway.jobs SET state = 'failed', failure = $2::text::json, finished = now()
            WHERE state = 'queued' AND created < now() - make_interval(secs => $1)
            """, .double(limit.seconds), .text(String(decoding: JSON.encode(failure), as: UTF8.self)))
        try await database.query(
            "DELETE FROM gateway.erased WHERE erased < now() - make_interval(secs => $1)",
            .double(JobHeader.longestLife.seconds))
    }

    private static func state(_ row: Row) throws(DatabaseError) -> JobRecord.State {
        guard let state = JobRecord.State(rawValue: try row.decode("state")) else {
            throw .decoding("state: a state that this build does not know")
        }
        return state
    }

    private static func result(_ text: String, of trip: Trip) throws(DatabaseError) -> JobResult? {
        switch trip {
        case .selfie: .selfie(try decoded(SelfieAnswer.self, text, column: "result"))
        case .analysis: .analysis(try decoded(AnalysisAnswer.self, text, column: "result"))
        case .faces: .faces(try decoded(FacesAnswer.self, text, column: "result"))
        case .merge: .merge(try decoded(MergeAnswer.self, text, column: "result"))
        case .user, .recommendations, .click, .feedback, .erasure: nil
        }
    }

    private static func decoded<Value: Decodable>(
        _: Value.Type, _ text: String, column: String
    ) throws(DatabaseError) -> Value {
        do {
            return try JSON.decode(Value.self, from: Data(text.utf8))
        } catch {
            throw .decoding("\(column): \(error)")
        }
    }
}

extension Failure.Kind {
    /// Whether the same job may well succeed another time.
    fileprivate var passes: Bool {
        switch self {
        case .unavailable, .deadlinePassed, .attemptsExhausted, .internalError: true
        case .malformedRequest, .emptyBody, .unsupportedMediaType, .tooLarge, .corruptImage, .noFace, .unknownUser,
            .unknownVideo, .unknownJob:
            false
        }
    }
}

extension Duration {
    /// As a number of seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
