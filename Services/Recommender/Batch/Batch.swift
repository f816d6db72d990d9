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

    /// Whoever makes a version the current one holds it.
    static let lockName = "recommender batch"

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
        let snapshot = try await Snapshot.read(store, threads: threads)
        laps.end("read")
        guard snapshot.ratings.count > 0 else { return .nothingToLearn }
        let (proposed, threads, gate, logger, rows) = (parameters, threads, gate, logger, store.rows)
        let verdict = try await onOwnThread(niceness: 10) { cancellation in
            try gate.judge(
                snapshot.ratings, latest: snapshot.latest, proposed: proposed, current: snapshot.parameters,
                threads: threads, onEpoch: cancellation.check)
        }
        laps.end("gate")
        if let verdict {
            report(verdict)
            if verdict.parameters == nil { return .refused(verdict.figures) }
        }
        let parameters = verdict?.parameters ?? proposed
        // The gate's vectors lack one rating a user at most.
        let remaining = verdict == nil ? parameters : parameters.resumed
        let trained = try await onOwnThread(niceness: 10) { cancellation in
            try AlternatingLeastSquares.train(
                snapshot.ratings, remaining, from: verdict?.trained, threads: threads
            ) { epoch, loss in
                try cancellation.check()
                logger.debug("als epoch", metadata: ["als.epoch": "\(epoch)", "als.loss": "\(loss)"])
            }
        }
        laps.end("train")
        let top = try await onOwnThread(niceness: 10) { _ in
            TopN(
                users: trained.users, items: trained.items, seen: [snapshot.ratings.byUser, snapshot.watched],
                limit: rows, threads: threads)
        }
        laps.end("rank")
        try Task.checkCancellation()
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

    // MARK: Publishing

    /// Writes the version and makes it the current one, in one transaction. Returns its number and how many rows it has.
    private func publish(
        _ snapshot: Snapshot, _ parameters: TrainingParameters, _ figures: Gate.Figures?, _ trained: TrainedFactors,
        _ top: TopN, seconds: Double
    ) async throws -> (version: Int, rows: Int) {
        let (videos, factors) = (snapshot.videos, trained.items)
        return try await store.database.transaction { connection in
            try connection.liftLimit()
            let number: Int = try connection.query(
                "SELECT coalesce(max(number), 0) + 1 AS number FROM recommender.versions")[0].decode("number")
            try connection.query(
                "INSERT INTO recommender.models (version, videos, factors) VALUES ($1, $2, $3)", .integer(number),
                .texts(videos), .bytes(factors.littleEndian))
            let rows = try Versions.createRows(number, connection)
            let written = try connection.copyIn(
                rows, columns: ["version", "user_id", "rank", "video", "score"]
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
            try Versions.attachRows(number, connection)
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
