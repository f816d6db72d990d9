import Database
import FoundationEssentials
package import Logging
import Messages
import Metrics

/// One run of the batch: ratings in, a version of factors and rows out, or nothing at all.
package struct Batch: Sendable {
    /// What a run came to.
    package enum Outcome: Sendable, Equatable {
        case published(version: Int, rows: Int)
        /// Fewer ratings are new than a run is worth.
        case waiting(new: Int)
        /// Nobody has enjoyed anything yet.
        case nothingToLearn
        /// The gate let neither the settings nor the current version's pass: that version stays.
        case refused(Gate.Figures)
        /// Another worker is at it.
        case elsewhere
    }

    private static let lockName = "recommender batch"

    private let store: Store
    private let parameters: TrainingParameters
    private let minimumNewRatings: Int
    private let kept: Int
    private let threads: Int
    private let gate: Gate
    private let logger: Logger
    /// For tests: is called between the training and its publication.
    private let onTrained: @Sendable () async throws -> Void

    /// `kept` versions stay, the current one included; `threads` train, at a niceness that leaves answers first.
    package init(
        store: Store, parameters: TrainingParameters, minimumNewRatings: Int, kept: Int, threads: Int,
        gate: Gate = Gate(), logger: Logger,
        onTrained: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.store = store
        self.parameters = parameters
        self.minimumNewRatings = minimumNewRatings
        self.kept = kept
        self.threads = threads
        self.gate = gate
        self.logger = logger
        self.onTrained = onTrained
    }

    /// Trains and publishes unless there is too little new or another worker is doing so.
    package func run() async throws -> Outcome {
        try await store.database.withAdvisoryLock(Self.lockName) {
            let new = try await newRatings()
            guard new >= minimumNewRatings else { return .waiting(new: new) }
            return try await trainAndPublish()
        } ?? .elsewhere
    }

    /// How many ratings, clicks and erasures came since the newest version's snapshot.
    private func newRatings() async throws -> Int {
        let rows = try await store.database.query(
            """
            SELECT last_value - coalesce((SELECT change FROM recommender.versions ORDER BY number DESC LIMIT 1), 0) AS new
            FROM recommender.changes
            """)
        return try rows[0].decode("new")
    }

    private func trainAndPublish() async throws -> Outcome {
        var laps = Laps()
        logger.info("als run begins")
        let snapshot = try await read()
        laps.end("read")
        guard snapshot.ratings.count > 0 else { return .nothingToLearn }
        let (proposed, threads, gate, logger, rows) = (parameters, threads, gate, logger, store.rows)
        let verdict = try await onOwnThread(niceness: 10) {
            try gate.judge(
                snapshot.ratings, latest: snapshot.latest, proposed: proposed, current: snapshot.parameters,
                threads: threads)
        }
        laps.end("gate")
        if let verdict {
            report(verdict)
            if verdict.parameters == nil { return .refused(verdict.figures) }
        }
        let parameters = verdict?.parameters ?? proposed
        // The gate's vectors lack one rating a user at most.
        let remaining = verdict == nil ? parameters : parameters.resumed
        let trained = try await onOwnThread(niceness: 10) {
            try AlternatingLeastSquares.train(
                snapshot.ratings, remaining, from: verdict?.trained, threads: threads
            ) { epoch, loss in
                logger.debug("als epoch", metadata: ["als.epoch": "\(epoch)", "als.loss": "\(loss)"])
            }
        }
        laps.end("train")
        let top = try await onOwnThread(niceness: 10) {
            TopN(
                users: trained.users, items: trained.items, seen: [snapshot.ratings.byUser, snapshot.watched],
                limit: rows, threads: threads)
        }
        laps.end("rank")
        try await onTrained()
        let (version, written) = try await publish(
            snapshot, parameters, verdict?.figures, trained, top, seconds: laps.sum)
        laps.end("write")

        let loss = trained.losses.last ?? .nan
        Gauge(label: "mien_als_loss").record(loss)
        Gauge(label: "mien_als_ratings").record(snapshot.ratings.count)
        Gauge(label: "mien_als_rows").record(written)
        Gauge(label: "mien_als_version").record(version)
        logger.info(
            "als version published",
            metadata: [
                "als.version": "\(version)", "als.users": "\(snapshot.users.count)",
                "als.items": "\(snapshot.videos.count)",
                "als.ratings": "\(snapshot.ratings.count)", "als.rows": "\(written)", "als.loss": "\(loss)",
                "als.seconds": "\(laps.sum)", "als.epochs": "\(remaining.iterations)",
            ].merging(laps.metadata) { _, part in part })
        return .published(version: version, rows: written)
    }

    /// How long the parts of a run took.
    private struct Laps {
        private var begin = ContinuousClock.now
        private var parts: [(name: String, seconds: Double)] = []

        var sum: Double { parts.reduce(0) { $0 + $1.seconds } }
        var metadata: Logger.Metadata {
            Dictionary(uniqueKeysWithValues: parts.map { ("als.\($0.name)Seconds", "\($0.seconds)") })
        }

        /// Ends a part, and begins the next.
        mutating func end(_ name: String) {
            let now = ContinuousClock.now
            parts.append((name, (now - begin) / .seconds(1)))
            Timer(label: "mien_als_seconds", dimensions: [("part", name)]).record(duration: now - begin)
            begin = now
        }
    }

    /// Tells an operator what the gate found.
    private func report(_ verdict: Gate.Verdict) {
        let figures = verdict.figures
        Gauge(label: "mien_als_ndcg10").record(figures.chosen.ndcg10)
        Gauge(label: "mien_als_popularity_ndcg10").record(figures.popularity.ndcg10)
        var metadata: Logger.Metadata = [
            "als.ndcg10": "\(figures.proposed.ndcg10)", "als.recall20": "\(figures.proposed.recall20)",
            "als.popularityNDCG10": "\(figures.popularity.ndcg10)", "als.heldBack": "\(figures.users)",
        ]
        if let current = figures.current { metadata["als.currentNDCG10"] = "\(current.ndcg10)" }
        if verdict.parameters == nil {
            logger.error("als gate refuses: popularity would recommend better", metadata: metadata)
        } else if figures.keepsCurrent {
            logger.warning("als gate keeps the current version's settings: those set now are worse", metadata: metadata)
        } else {
            logger.info("als gate passed", metadata: metadata)
        }
    }

    // MARK: Reading

    /// The ratings at one moment.
    private struct Snapshot: Sendable {
        /// The moment, as Postgres writes it, and the value of the sequence `changes`.
        var moment: String
        var change: Int
        var users: [UUID]
        var videos: [String]
        var ratings: Ratings
        /// What was watched without being enjoyed.
        var watched: SparseRows
        /// The video each user enjoyed last; -1 for none.
        var latest: [Int32]
        /// The current version's settings.
        var parameters: TrainingParameters?
    }

    private func read() async throws -> Snapshot {
        let clickWeight = store.clickWeight
        return try await store.database.transaction { connection in
            try connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try connection.query("SET LOCAL statement_timeout = 0")
            let moment = try connection.query(
                "SELECT pg_current_snapshot()::text AS moment, last_value AS change FROM recommender.changes")[0]
            let parameters = try connection.query("SELECT parameters FROM recommender.versions WHERE current").first
                .map {
                    try JSONDecoder().decode(TrainingParameters.self, from: try $0.decode("parameters", as: Data.self))
                }
            // Every rated video is one of these. Numbered in an order of their own, so that the same ratings give the same
            // version.
            let videos = try connection.query("SELECT video FROM recommender.items ORDER BY video COLLATE \"C\"")
                .map { try $0.decode("video", as: String.self) }
            let indices = Dictionary(uniqueKeysWithValues: zip(videos, Int32(0)...))
            var rows = UserRows()
            // By user, which two indices give without a sort: what one user has fits in memory. A row a user, since the
            // server spends more on a row than on what is in it.
            try connection.query("SET LOCAL enable_hashagg = off")
            // What it would compile takes longer to compile than to run.
            try connection.query("SET LOCAL jit = off")
            try connection.copyOut(
                """
                SELECT user_id, array_agg(video), array_agg(rating), array_agg(at)
                FROM (
                    SELECT user_id, video, rating::float4, at FROM recommender.reactions
                    UNION ALL
                    SELECT user_id, video, \(clickWeight)::float4, at FROM recommender.clicks
                    ORDER BY user_id
                ) AS ratings
                GROUP BY user_id
                ORDER BY user_id
                """
            ) { row in
                let (user, rated) = (try row.next(UUID.self), try row.next([String].self))
                let (values, moments) = (try row.next([Float].self), try row.next([Int64].self))
                let entries = try rated.indices.map { index in
                    guard let item = indices[rated[index]] else {
                        throw DatabaseError.decoding("\(rated[index]) was rated and is not among the videos")
                    }
                    return Rated(item: item, value: values[index], at: moments[index])
                }
                rows.append(user, entries)
            }
            return try rows.snapshot(
                moment: moment.decode("moment"), change: moment.decode("change"), videos: videos, parameters: parameters
            )
        }
    }

    /// A reaction or a click.
    private struct Rated {
        var item: Int32
        var value: Float
        /// Microseconds, as Postgres counts them.
        var at: Int64
    }

    /// Ratings user by user, each user's in any order, as rows of sums.
    private struct UserRows {
        private(set) var users: [UUID] = []
        private(set) var enjoyed = SparseRows.Builder()
        private(set) var watched = SparseRows.Builder()
        private(set) var latest: [Int32] = []

        /// Adds a user's row: r is the sum over what there is of a video, zero where it was only watched.
        mutating func append(_ user: UUID, _ rated: [Rated]) {
            let entries = rated.sorted { ($0.item, $0.at) < ($1.item, $1.at) }
            users.append(user)
            var last = Rated(item: -1, value: 0, at: .min)
            var next = entries.startIndex
            while next < entries.endIndex {
                var sum = entries[next]
                next += 1
                while next < entries.endIndex, entries[next].item == sum.item {
                    sum.value += entries[next].value
                    sum.at = entries[next].at
                    next += 1
                }
                if sum.value > 0 {
                    enjoyed.append(row: users.count - 1, column: Int(sum.item), value: sum.value)
                    if sum.at > last.at { last = sum }
                } else {
                    watched.append(row: users.count - 1, column: Int(sum.item), value: 0)
                }
            }
            latest.append(last.item)
        }

        /// What was read. Videos that nobody enjoyed have no vectors and are left out; the others are numbered in the same order.
        consuming func snapshot(
            moment: String, change: Int, videos: [String], parameters: TrainingParameters?
        ) -> Snapshot {
            var (enjoyed, watched) = (enjoyed.build(rows: users.count), watched.build(rows: users.count))
            var numbers = [Int32](repeating: -1, count: videos.count)
            for item in enjoyed.columns { numbers[Int(item)] = 0 }
            let known = videos.indices.filter { numbers[$0] == 0 }
            for (number, video) in known.enumerated() { numbers[video] = Int32(number) }
            enjoyed.renumberColumns(numbers)
            watched.renumberColumns(numbers)
            return Snapshot(
                moment: moment, change: change, users: users, videos: known.map { videos[$0] },
                ratings: Ratings(byUser: enjoyed, items: known.count), watched: watched,
                latest: latest.map { $0 < 0 ? -1 : numbers[Int($0)] }, parameters: parameters)
        }
    }

    // MARK: Publishing

    /// Writes the version and makes it the current one, in one transaction. Returns its number and how many rows it has.
    private func publish(
        _ snapshot: Snapshot, _ parameters: TrainingParameters, _ figures: Gate.Figures?, _ trained: TrainedFactors,
        _ top: TopN, seconds: Double
    ) async throws -> (version: Int, rows: Int) {
        let (videos, factors) = (snapshot.videos, trained.items)
        return try await store.database.transaction { connection in
            try connection.query("SET LOCAL statement_timeout = 0")
            let number: Int = try connection.query(
                "SELECT coalesce(max(number), 0) + 1 AS number FROM recommender.versions")[0].decode("number")
            try connection.query(
                "INSERT INTO recommender.models (version, videos, factors) VALUES ($1, $2, $3)", .integer(number),
                .texts(videos), .bytes(factors.littleEndian))
            let written = try connection.copyIn(
                "recommender.top", columns: ["version", "user_id", "rank", "video", "score"]
            ) { writer in
                for (index, user) in snapshot.users.enumerated() {
                    for (place, ranked) in top[index].enumerated() {
                        try writer.append(number)
                        try writer.append(user)
                        try writer.append(Int16(place + 1))
                        try writer.append(videos[ranked.item])
                        try writer.append(ranked.score)
                    }
                }
            }
            try connection.query(
                """
                INSERT INTO recommender.versions
                    (number, current, snapshot, change, engine, parameters, users, items, ratings, loss, seconds, figures)
                VALUES ($1, false, $2::text::pg_snapshot, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                """, .integer(number), .text(snapshot.moment), .integer(snapshot.change),
                .text(parameters.solver.rawValue), .json(try JSONEncoder().encode(parameters)),
                .integer(snapshot.users.count), .integer(videos.count), .integer(snapshot.ratings.count),
                .double(trained.losses.last ?? .nan), .double(seconds),
                .optional(try figures.map { try JSONEncoder().encode($0) }) { .json($0) })
            let model = PublishedModel(
                version: number, videos: videos.compactMap { VideoID($0) },
                model: ItemModel(items: factors, objective: parameters.objective))
            try Versions.flip(to: model, snapshot: snapshot.moment, store, connection)
            try Versions.prune(keeping: kept, connection)
            return (number, written)
        }
    }
}
