import ArgumentParser
import Database
import Foundation
import Logging
import Operations

/// Lists the versions that are kept.
struct ListVersions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions", abstract: "List the versions that are kept, newest first; the current one has a star.")

    /// Settings, of which `database.url` is needed.
    @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

    func run() async throws {
        try await withVersions(settings) { versions in
            print(
                "  version  published             users   items   ratings        loss  seconds  NDCG@10  (popularity)")
            for version in try await versions.all() {
                print(
                    String(
                        format: "%@ %7d  %@  %6d  %6d  %8d  %10.4g  %7.2f", version.isCurrent ? "*" : " ",
                        version.number, version.published.formatted(.iso8601) as NSString, version.users, version.items,
                        version.ratings, version.loss, version.seconds)
                        + (version.figures.map { figures in
                            String(format: "  %7.4f  (%.4f)", figures.chosen.ndcg10, figures.popularity.ndcg10)
                        } ?? ""))
            }
        }
    }
}

/// Makes an earlier version the current one.
struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an earlier version the current one; whoever rated since is folded in.")

    @Option(help: "The version; by default the one before the current.") var to: Int?
    /// Settings, of which `database.url` is needed.
    @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

    func run() async throws {
        try await withVersions(settings) { versions in
            print("The current version is \(try await versions.rollBack(to: to)).")
        }
    }
}

/// Opens the database of the settings for as long as the body runs.
private func withVersions(_ arguments: [String], _ body: (Versions) async throws -> Void) async throws {
    let settings = try RecommenderSettings(try await Settings.load(arguments: arguments), cores: 1)
    let logger = Logger(label: "recommender") { _ in SwiftLogNoOpLogHandler() }
    let database = Database(settings.database, logger: logger)
    let store = Store(database: database, clickWeight: settings.clickWeight, rows: settings.rows)
    do {
        try await body(Versions(store))
    } catch {
        await database.close()
        throw error
    }
    await database.close()
}
