import Database
import FoundationEssentials
package import ImplicitALS
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
        /// The last run, whoever's it was, began less than an interval ago: so long until the next.
        case early(Duration)
        /// Somebody went back to this version, and it stays until they let it go.
        case pinned(version: Int)
        /// Another worker is at it.
        case elsewhere
    }

    /// Whoever makes a version the current one holds it.
    static let lockName = "recommender batch"

    /// The least time from the beginning of one run to that of the next, of all workers.
    package let interval: Duration
    private let store: Store
    private let parameters: TrainingParameters
    private let minimumNewRatings: Int
    private let kept: Versions.Retention
    private let threads: Int
    private let gate: Gate
    private let logger: Logger
    /// For tests: is called between the training and its publication.
    private let onTrained: @Sendable () async throws -> Void

    /// `threads` train, at a niceness that leaves answers first.
    package init(
        store: Store, parameters: TrainingParameters, interval: Duration, minimumNewRatings: Int,
        kept: Versions.Retention, threads: Int, gate: Gate = Gate(), logger: Logger,
        onTrained: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.interval = interval
        self.store = store
        self.parameters = parameters
        self.minimumNewRatings = minimumNewRatings
        self.kept = kept
        self.threads = threads
        self.gate = gate
        self.logger = logger
        self.onTrained = onTrained
    }

    /// Trains and publishes unless there is too little new, it is too early or another worker is doing so.
    package func run() async throws -> Outcome {
        try await store.database.withAdvisoryLock(Self.lockName) {
            let state = try await BatchState.read(store.database)
            Gauge(label: "mien_als_pinned").record(state.pinned == nil ? 0 : 1)
            Gauge(label: "mien_als_refused").record(state.refusal == nil ? 0 : 1)
            // Not even old versions go while somebody looks into what was wrong.
            if let pinned = state.pinned { return .pinned(version: pinned.version) }
            let outcome = try await look(state)
            try await prune()
            return outcome
        } ?? .elsewhere
    }

    private func look(_ state: BatchState) async throws -> Outcome {
        guard state.new >= minimumNewRatings else { return .waiting(new: state.new) }
        let wait = state.wait(interval)
        guard wait == .zero else { return .early(wait) }
        try await BatchState.begin(store.database)
        do {
            return try await trainAndPublish()
        } catch let pinned as Versions.Pinned {
            return .pinned(version: pinned.version)
        }
    }

    /// Drops what need not be kept any more, unless somebody reads it: then the next look will.
    private func prune() async throws {
        do {
            let pruned = try await Versions.prune(kept, store)
            if !pruned.isEmpty { logger.info("als versions dropped", metadata: ["als.versions": "\(pruned)"]) }
        } catch let error as DatabaseError {
            logger.notice("als versions could not be dropped yet", metadata: ["error": "\(error)"])
        }
    }

    private func trainAndPublish() async throws -> Outcome {
        var timings = PhaseTimings()
        logger.info("als run begins")
        let snapshot = try await Snapshot.read(store, threads: threads)
        timings.end("read")
        guard snapshot.ratings.count > 0 else { return .nothingToLearn }
        let (proposed, threads, gate, logger, rows) = (parameters, threads, gate, logger, store.rows)
        let verdict = try await onOwnThread(niceness: 10) { cancellation in
            try gate.judge(
                snapshot.ratings, latest: snapshot.latest, proposed: proposed, current: snapshot.parameters,
                threads: threads, onEpoch: cancellation.check)
        }
        timings.end("gate")
        if let verdict {
            report(verdict)
            if verdict.parameters == nil {
                try await store.database.transaction { connection in
                    try BatchState.end(refusal: verdict.figures, connection)
                }
                Gauge(label: "mien_als_refused").record(1)
                return .refused(verdict.figures)
            }
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
        timings.end("train")
        let top = try await onOwnThread(niceness: 10) { _ in
            TopN(
                users: trained.users, items: trained.items, seen: [snapshot.ratings.byUser, snapshot.watched],
                limit: rows, threads: threads)
        }
        timings.end("rank")
        try Task.checkCancellation()
        try await onTrained()
        let (version, written) = try await publish(
            snapshot, parameters, verdict?.figures, trained, top, seconds: timings.sum)
        timings.end("write")

        let loss = trained.losses.last ?? .nan
        Gauge(label: "mien_als_loss").record(loss)
        Gauge(label: "mien_als_ratings").record(snapshot.ratings.count)
        Gauge(label: "mien_als_rows").record(written)
        Gauge(label: "mien_als_version").record(version)
        Gauge(label: "mien_als_refused").record(0)
        logger.info(
            "als version published",
            metadata: [
                "als.version": "\(version)", "als.users": "\(snapshot.users.count)",
                "als.items": "\(snapshot.videos.count)",
                "als.ratings": "\(snapshot.ratings.count)", "als.rows": "\(written)", "als.loss": "\(loss)",
                "als.seconds": "\(timings.sum)", "als.epochs": "\(remaining.iterations)",
            ].merging(timings.metadata) { _, part in part })
        return .published(version: version, rows: written)
    }

    /// How long the parts of a run took.
    private struct PhaseTimings {
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
            logger.error(
                "als gate refuses: popularity recommends better, and stands in for the current version",
                metadata: metadata)
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
            // Most are folded in while answers go on; only those who rate during that are left for the moment of the lock.
            let moment = try Versions.moment(connection)
            for user in try Versions.changed(since: snapshot.moment, connection) {
                try store.foldIn(user, History(of: user, weights: store.weights, connection), model, connection)
            }
            try Lock.publication(connection)
            // The lock that keeps rollbacks out is lost with its connection.
            if let pinned = try Versions.pinned(connection) { throw Versions.Pinned(version: pinned) }
            try Versions.promote(
                to: model, trained: snapshot.moment, foldedIn: moment, isPinned: false, store, connection)
            try BatchState.end(refusal: nil, connection)
            return (number, written)
        }
    }
}
