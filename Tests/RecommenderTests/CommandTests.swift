import Database
import DatabaseTesting
import Foundation
import Messages
import Recommender
import Testing

/// The program as somebody runs it.
@Suite(.timeLimit(.minutes(5))) struct CommandTests {
    /// Two groups, each of whom likes ten items of its own, and nobody the rest.
    private static let groups: String = {
        var lines: [String] = []
        for user in 0..<40 {
            for item in 0..<12 where (user / 2 + item) % 4 != 0 { lines.append("u\(user),\(user % 2 * 12 + item)") }
        }
        return lines.joined(separator: "\n")
    }()

    @Test(arguments: [
        (["trian", "x.csv"], "trian is not known here: did you mean train?"),
        (["rollback", "3"], "3 is not known here"),
        (["rollback", "--too", "3"], "--too is not known here"), (["unpin", "all"], "all is not known here"),
        (["train", "--rnak", "8", "-"], "Unknown option '--rnak'"),
    ])
    func unknownWordsAreErrors(arguments: [String], sentence: String) async throws {
        let ended = try await RecommenderBinary.run(arguments)
        #expect(ended.status != 0)
        #expect(ended.errors.contains(sentence), "\(ended.errors)")
    }

    @Test func evaluateReadsStandardInputAndPrintsJSON() async throws {
        struct Report: Decodable {
            struct Metrics: Decodable { var ndcg10: Double, users: Int }
            var als: Metrics, popularity: Metrics, users: Int, is_worse_than_popularity: Bool
        }
        let ended = try await RecommenderBinary.run(["evaluate", "-", "--json"], input: Self.groups)
        #expect(ended.status == 0, "\(ended.errors)")
        let report = try JSONDecoder().decode(Report.self, from: Data(ended.output.utf8))
        #expect(report.users == 40 && report.als.users == 40)
        #expect(report.als.ndcg10 > report.popularity.ndcg10 && !report.is_worse_than_popularity)
    }

    /// The settings of a service without any are what a file is measured with.
    @Test func theDefaultsAreTheServices() async throws {
        let defaults = try await RecommenderBinary.run(["evaluate", "-"], input: Self.groups)
        let service = try await RecommenderBinary.run(
            ["evaluate", "-", "--rank", "32", "--alpha", "20", "--lambda", "0.1", "--iterations", "15", "--seed", "1"],
            input: Self.groups)
        #expect(defaults.status == 0 && defaults.output == service.output)
        let other = try await RecommenderBinary.run(["evaluate", "-", "--rank", "1"], input: Self.groups)
        #expect(other.status == 0 && other.output != defaults.output)
    }

    /// So many factors remember the training by heart, and what is held back is to them like all that nobody likes.
    @Test func worseThanPopularityIsSaid() async throws {
        let bad = ["evaluate", "-", "--rank", "128", "--lambda", "0.001", "--alpha", "1"]
        let evaluated = try await RecommenderBinary.run(bad, input: Self.hits)
        #expect(evaluated.output.contains("Worse than popularity"), "\(evaluated)")
        let worst = ["tune", "-", "--ranks", "128", "--lambdas", "0.001", "--alphas", "1"]
        let tuned = try await RecommenderBinary.run(worst, input: Self.hits)
        #expect(tuned.output.contains("Worse than popularity"), "\(tuned)")
        let good = try await RecommenderBinary.run(["evaluate", "-"], input: Self.groups)
        #expect(!good.output.contains("Worse"), "\(good)")
    }

    /// Everybody likes a few of ten hits, and one thing that nobody else does.
    private static let hits: String = {
        var lines: [String] = []
        for user in 0..<60 {
            for hit in 0..<10 where hit <= 4 || (user * 7 + hit * 3) % 5 == 0 { lines.append("u\(user),hit\(hit)") }
            lines.append("u\(user),own\(user)")
        }
        return lines.joined(separator: "\n")
    }()

    @Test(arguments: ["evaluate", "tune"])
    func nobodyHeldBackIsAnError(command: String) async throws {
        let ended = try await RecommenderBinary.run([command, "-"], input: "a,x\nb,y\n")
        #expect(ended.status == 1)
        #expect(ended.errors.contains("Nobody has a rating that can be held back"), "\(ended.errors)")
    }

    @Test func aBadLineIsNamed() async throws {
        let ended = try await RecommenderBinary.run(["train", "-"], input: "user,item\na,x\n,y\n")
        #expect(ended.status == 1)
        #expect(ended.errors.contains("Line 3 names no user or no item."), "\(ended.errors)")
    }

    /// The training would take hours.
    @Test(arguments: ["train", "tune"])
    func whereTheOutputGoesIsLookedAtFirst(command: String) async throws {
        let folder = FileManager.default.temporaryDirectory.path(percentEncoded: false)
        for (output, sentence) in [("/no/such/folder/lists.csv", "there is no folder"), (folder, "is a folder")] {
            let ended = try await RecommenderBinary.run(
                [command, "-", "--output", output, "--iterations", "100000000"], input: Self.groups)
            #expect(ended.status == 64)
            #expect(ended.errors.contains(sentence), "\(ended.errors)")
        }
    }

    @Test func listsAreWritten() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "lists-\(UUID()).csv")
        defer { try? FileManager.default.removeItem(at: file) }
        let ended = try await RecommenderBinary.run(
            ["train", "-", "--output", file.path(percentEncoded: false), "--limit", "2", "--json"], input: Self.groups)
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.output.contains("\"users\":40"))
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.first == "user,rank,item,score")
        #expect(lines.count == 81)
    }
}

extension VersionsTests {
    /// What an operator reads, and programs with them.
    @Test func theCommandsSayWhatHolds() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroupsWithLasts()
            for _ in 1...2 {
                _ = try await scenario.batch().run()
                try await scenario.change()
            }
            let environment = ["DATABASE_URL": try await TestDatabase.url(of: store.database)]
            func run(_ arguments: String...) async throws -> String {
                let ended = try await RecommenderBinary.run(arguments, environment: environment)
                #expect(ended.status == 0, "\(ended.errors)")
                return ended.output
            }
            #expect(try await !run("versions").contains("pinned"))
            #expect(try await run("rollback").contains("The current version is 1. It is pinned"))
            #expect(try await run("versions").contains("Version 1 is pinned since"))
            let json = try await run("versions", "--json")
            let report = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            let versions = try #require(report["versions"] as? [[String: Any]])
            #expect(versions.map { $0["number"] as? Int } == [2, 1])
            #expect(versions.map { $0["pinned_at"] != nil } == [false, true])
            #expect(try await run("rollback", "--to", "2").contains("The current version is 2."))
            #expect(try await run("unpin").contains("Version 2 is not pinned any more"))
            #expect(try await run("unpin").contains("No version is pinned."))

            guard case .refused = try await scenario.batch(gate: Gate(fewestUsers: 16, margin: 100)).run() else {
                Issue.record("the gate did not refuse")
                return
            }
            #expect(try await run("versions").contains("The gate refused the run of"))
            #expect(try await run("versions", "--json").contains("\"refusal\":{"))
        }
    }
}
