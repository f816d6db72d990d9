import Database
import DatabaseTesting
import Foundation
import ImplicitALS
import Messages
import Recommender
import Testing

@Suite(.timeLimit(.minutes(5))) struct GateTests {
    /// Forty people in two groups; everybody enjoyed all but a few of their group's twelve items.
    private static let ratings: Ratings = {
        var builder = SparseRows.Builder()
        for user in 0..<40 {
            for offset in 0..<12 where (user / 2 + offset) % 4 != 0 {
                builder.append(row: user, column: user % 2 * 12 + offset, value: 1)
            }
        }
        return Ratings(byUser: builder.build(rows: 40), items: 24)
    }()
    private static let latest: [Int32] = (0..<40).map { user in
        ratings.byUser.columns[ratings.byUser.range(of: user)].last ?? -1
    }
    private static let good = parameters(rank: 2, lambda: 0.1)
    /// So much regularisation leaves next to nothing of the vectors' directions, so little of the order.
    private static let bad = parameters(rank: 1, lambda: 1e6)

    private static func parameters(rank: Int, lambda: Float) -> TrainingParameters {
        TrainingParameters(rank: rank, objective: .confidence(alpha: 10, lambda: lambda), iterations: 6)
    }

    private func judge(
        _ proposed: TrainingParameters, current: TrainingParameters?, fewestUsers: Int = 30,
        latest: [Int32] = GateTests.latest
    ) throws -> Gate.Verdict? {
        try Gate(fewestUsers: fewestUsers).judge(
            Self.ratings, latest: latest, proposed: proposed, current: current, threads: 1)
    }

    @Test func betterSettingsPass() throws {
        let verdict = try #require(try judge(Self.good, current: Self.bad))
        #expect(verdict.parameters == Self.good)
        #expect(verdict.figures.users == 40)
        #expect(verdict.figures.proposed.ndcg10 > (verdict.figures.current?.ndcg10 ?? 1))
        #expect(verdict.figures.chosen == verdict.figures.proposed)
        #expect(verdict.figures.proposed.recall20 == 1)
    }

    @Test func worseSettingsLeaveTheCurrentOnes() throws {
        let verdict = try #require(try judge(Self.bad, current: Self.good))
        #expect(verdict.parameters == Self.good)
        #expect(verdict.figures.keepsCurrent)
        #expect(verdict.figures.chosen == verdict.figures.current)
    }

    @Test func unchangedSettingsAreMeasuredOnce() throws {
        let verdict = try #require(try judge(Self.good, current: Self.good))
        #expect(verdict.parameters == Self.good)
        #expect(verdict.figures.current == nil)
    }

    /// Where everybody rated the same one item last, popularity knows it and factors trained without it cannot.
    @Test func settingsWorseThanPopularityAreRefused() throws {
        var builder = SparseRows.Builder()
        for user in 0..<40 {
            for item in 0..<6 { builder.append(row: user, column: (user * 7 + item * 5) % 30, value: 1) }
            builder.append(row: user, column: 30 + user % 3, value: 1)
        }
        for user in 40..<80 { builder.append(row: user, column: 30 + user % 3, value: 1) }
        let ratings = Ratings(byUser: builder.build(rows: 80), items: 33)
        let latest = (0..<80).map { Int32(30 + $0 % 3) }
        let verdict = try Gate(fewestUsers: 40).judge(
            ratings, latest: latest, proposed: Self.parameters(rank: 8, lambda: 0.001), current: nil, threads: 1)
        let figures = try #require(verdict).figures
        #expect(figures.users == 40)
        #expect(figures.proposed.ndcg10 < figures.popularity.ndcg10)
        #expect(try #require(verdict).parameters == nil)
    }

    @Test func tooFewUsersAreNotMeasured() throws {
        #expect(try judge(Self.good, current: Self.bad, fewestUsers: 41) == nil)
        #expect(try judge(Self.good, current: Self.bad, latest: Array(repeating: -1, count: 40)) == nil)
    }
}

extension BatchTests {
    /// A version keeps what the gate measured, by each person's latest rating in time, and which settings it was trained with.
    @Test func theGatesFiguresAreKeptWithTheVersion() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroupsWithLasts()
            #expect(try await scenario.batch(gate: Gate(fewestUsers: 16)).run() == .published(version: 1, rows: 160))
            let figures = try #require(try await Versions(store).all().first?.figures)
            #expect(figures.users == 16)
            #expect(figures.proposed.recall20 == 1)
            #expect(figures.current == nil)
            #expect(figures.popularity.ndcg10 > 0)

            // Settings that are worse are measured against those of version 1, which stay.
            try await scenario.change()
            _ = try await scenario.batch(rank: 1, lambda: 1e6, gate: Gate(fewestUsers: 16)).run()
            let second = try #require(try await Versions(store).all().first?.figures)
            #expect(second.current == figures.proposed)
            #expect(second.proposed.ndcg10 < 0.9 * figures.proposed.ndcg10)
            #expect(second.keepsCurrent)
            #expect(second.chosen == figures.proposed)
            #expect(try await scenario.count("versions", "parameters->>'rank' = '8'") == 2)
        }
    }

    @Test func betterSettingsReplaceTheCurrentVersions() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            _ = try await scenario.rateInTwoGroupsWithLasts()
            _ = try await scenario.batch(rank: 1, lambda: 1e6).run()
            try await scenario.change()
            #expect(try await scenario.batch(gate: Gate(fewestUsers: 16)).run() == .published(version: 2, rows: 160))
            let figures = try #require(try await Versions(store).all().first?.figures)
            #expect(try #require(figures.current).ndcg10 < 0.9 * figures.proposed.ndcg10)
            #expect(!figures.keepsCurrent)
            #expect(figures.chosen == figures.proposed)
            #expect(try await scenario.count("versions", "number = 2 AND parameters->>'rank' = '8'") == 1)
        }
    }

    /// What popularity does better is not recommended: popular videos stand in, until a version passes or somebody pins one.
    @Test func whatTheGateRefusesIsNeitherPublishedNorServed() async throws {
        try await TestDatabase.withStore { store in
            let scenario = try Scenario(store)
            let user = try await scenario.rateInTwoGroupsWithLasts()[0]
            _ = try await scenario.batch().run()
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 3)
            try await scenario.change()
            // Nothing is this much better than popularity.
            let strict = Gate(fewestUsers: 16, margin: 100)
            let outcome = try await scenario.batch(rank: 1, gate: strict).run()
            guard case .refused(let figures) = outcome else {
                Issue.record("not refused but \(outcome)")
                return
            }
            #expect(figures.users == 16)
            #expect(try await Versions(store).all().map(\.number) == [1])
            #expect(try await scenario.count("models") == 1)
            #expect(try await Versions(store).state().refusal?.figures == figures)

            let answer = try await scenario.selfie(user)
            #expect(
                answer.recommendations.map(\.source) == Array(repeating: .popular, count: 3)
                    + Array(repeating: .mood, count: 3))
            #expect(answer.version == nil)
            let scores = answer.recommendations.prefix(3).map(\.score)
            #expect(scores.allSatisfy { $0 > 0 } && scores == scores.sorted(by: >))
            let list = try #require(try await scenario.list(user).fact as? RecommendationsListed)
            #expect(list.recommendations.count(.popular) == 3 && list.version == nil)

            // The gate would hardly say something else so soon.
            guard case .early(let wait) = try await scenario.batch(interval: .seconds(100)).run() else {
                Issue.record("it was asked again at once")
                return
            }
            #expect(wait > .seconds(800) && wait <= .seconds(1000))

            // Whoever pins a version wants it.
            #expect(try await Versions(store).rollBack(to: 1) == 1)
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 3)
            _ = try await Versions(store).unpin()
            #expect(try await scenario.selfie(user).recommendations.count(.collaborative) == 0)

            #expect(try await scenario.batch(gate: Gate(fewestUsers: 16)).run() == .published(version: 2, rows: 160))
            #expect(try await Versions(store).state().refusal == nil)
            let last = try await scenario.selfie(user)
            #expect(last.recommendations.count(.collaborative) == 3)
            #expect(last.version == 2)
        }
    }
}
