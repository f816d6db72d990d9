import ArgumentParser
import Database
import Foundation
import Logging
import Operations
import RecommenderTool

/// Lists the versions that are kept.
struct ListVersions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions",
        abstract: "List the versions that are kept, newest first; the current one has a star.",
        discussion: "Says, too, when a version is pinned and when the gate refused the last run.")

    @OptionGroup var json: JSONOutput
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        try await database.withVersions { versions in
            let (all, state) = (try await versions.all(), try await versions.state())
            if json.isWanted { return try json.print(Report(versions: all, state)) }
            print(
                "  version  published             users   items   ratings        loss  seconds  NDCG@10  (popularity)")
            for version in all { print(Self.line(version)) }
            if let pinned = state.pinned {
                print(
                    """
                    Version \(pinned.version) is pinned since \(pinned.at.formatted(.iso8601)): no batch runs until \
                    `recommender unpin`.
                    """)
            }
            if let refusal = state.refusal { print(Self.sentence(refusal, isPinned: state.pinned != nil)) }
        }
    }

    static func line(_ version: Versions.Version) -> String {
        String(
            format: "%@ %7d  %@  %6d  %6d  %8d  %10.4g  %7.2f", version.isCurrent ? "*" : " ",
            version.number, version.published.formatted(.iso8601) as NSString, version.users, version.items,
            version.ratings, version.loss, version.seconds)
            + (version.figures.map { figures in
                String(format: "  %7.4f  (%.4f)", figures.chosen.ndcg10, figures.popularity.ndcg10)
            } ?? "")
    }

    static func sentence(_ refusal: BatchState.Refusal, isPinned: Bool) -> String {
        let figures = refusal.figures
        let measured = String(
            format: "NDCG@10 %.4f, popularity %.4f", figures.chosen.ndcg10, figures.popularity.ndcg10)
        return "The gate refused the run of \(refusal.at.formatted(.iso8601)) (\(measured)): "
            + (isPinned
                ? "the pinned version is recommended all the same."
                : "popular videos are recommended in its place until a version passes.")
    }

    /// What `--json` prints.
    private struct Report: Encodable {
        struct Version: Encodable {
            var number: Int
            var isCurrent: Bool
            var pinnedAt: Date?
            var publishedAt: Date
            var users: Int
            var items: Int
            var ratings: Int
            var loss: Double
            var seconds: Double
            var figures: Gate.Figures?
        }

        struct Refusal: Encodable {
            var at: Date
            var figures: Gate.Figures
        }

        var versions: [Version]
        var refusal: Refusal?

        init(versions: [Versions.Version], _ state: BatchState) {
            self.versions = versions.map {
                Version(
                    number: $0.number, isCurrent: $0.isCurrent, pinnedAt: $0.pinned, publishedAt: $0.published,
                    users: $0.users, items: $0.items, ratings: $0.ratings, loss: $0.loss, seconds: $0.seconds,
                    figures: $0.figures)
            }
            refusal = state.refusal.map { Refusal(at: $0.at, figures: $0.figures) }
        }
    }
}

/// Makes an earlier version the current one.
struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an earlier version the current one, and pin it; whoever rated since is folded in.",
        discussion: "A pinned version stays the current one: no batch runs until `recommender unpin`.")

    @Option(help: "The version; by default the one before the current.") var to: Int?
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        try await database.withVersions { versions in
            let version = try await versions.rollBack(to: to)
            print("The current version is \(version). It is pinned: no batch runs until `recommender unpin`.")
        }
    }
}

/// Lets a pinned version go.
struct Unpin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let the version that `rollback` pinned go: batches run again, and the next one replaces it.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        try await database.withVersions { versions in
            guard let version = try await versions.unpin() else { return print("No version is pinned.") }
            print("Version \(version) is not pinned any more: it stays until the next batch publishes.")
        }
    }
}

/// Which database a command about versions is on.
struct DatabaseOptions: ParsableArguments {
    /// Settings, of which `database.url` is needed.
    @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

    /// Opens the database of the settings for as long as the body runs.
    func withVersions(_ body: (Versions) async throws -> Void) async throws {
        let settings = try RecommenderSettings(
            try await Settings.load(arguments: settings, commands: Recommender.commandNames), cores: 1)
        let logger = Logger(label: "recommender") { _ in SwiftLogNoOpLogHandler() }
        try await Database.with(settings.database, logger: logger) { database in
            try await body(Versions(Store(database: database, weights: settings.weights, rows: settings.rows)))
        }
    }
}
