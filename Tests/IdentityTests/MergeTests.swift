import Broker
import Database
import DatabaseTesting
import Foundation
import Messages
import Testing

@testable import Identity

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(5)))
struct MergeTests {
    @Test func usersWhoWereMergedAreOnePersonToEveryWorker() async throws {
        try await withRecogniser { recogniser, database in
            let other = try await another(database)
            let people = try await enrol(0...2, recogniser)
            let merged = try await recogniser.merge(MergeRequested(user: people[1], other: people[0]))
            #expect(merged.people == [.init(user: people[1], merged: [people[0]])])
            try await other.catchUp()
            for worker in [recogniser, other, try await another(database)] {
                for face in 0...1 {
                    #expect(try await worker.recognise([candidate(face)])[0].get().user == people[1])
                }
                // A cookie of before names the alias.
                let claimed = try await worker.recognise([candidate(1, claims: [people[0]])])[0].get()
                #expect(claimed.user == people[1] && claimed.by == .claim && claimed.sameAs == nil)
                #expect(try await worker.recognise([candidate(2)])[0].get().user == people[2])
            }
            // Again, the other way round too, changes nothing.
            for (user, other) in [(people[1], people[0]), (people[0], people[1])] {
                #expect(try await recogniser.merge(MergeRequested(user: user, other: other)) == merged)
            }
            for user in people[0...1] {
                let described = try await recogniser.describe(user)
                #expect(described?.user == people[1] && described?.faces == 2)
            }
        }
    }

    @Test func afterAMergeIsUndoneEverythingIsAsBefore() async throws {
        try await withRecogniser { recogniser, database in
            let people = try await enrol(0...2, recogniser)
            let before = try await rows(database)
            let first = try await recogniser.merge(MergeRequested(user: people[0], other: people[1]))
            let second = try await recogniser.merge(MergeRequested(user: people[2], other: people[1]))
            #expect(second.people == [.init(user: people[2], merged: [people[0], people[1]])])
            #expect(second.sequence > first.sequence)
            let parted = try await recogniser.merge(
                MergeRequested(user: people[2], other: people[0], isUndone: true))
            #expect(parted.people == [.init(user: people[2], merged: []), .init(user: people[0], merged: [people[1]])])
            // Named the other way round.
            let apart = try await recogniser.merge(MergeRequested(user: people[1], other: people[0], isUndone: true))
            #expect(apart.people == [.init(user: people[1], merged: []), .init(user: people[0], merged: [])])
            #expect(apart.sequence > parted.sequence && parted.sequence > second.sequence)
            #expect(try await rows(database) == before)
            for worker in [recogniser, try await another(database)] {
                for face in 0...2 {
                    #expect(try await worker.recognise([candidate(face)])[0].get().user == people[face])
                }
            }
            // Nothing is left to undo.
            let again = try await recogniser.merge(MergeRequested(user: people[0], other: people[1], isUndone: true))
            #expect(again.people == [.init(user: people[0], merged: []), .init(user: people[1], merged: [])])
        }
    }

    @Test func oneErasedIsAllErasedAndNothingIsLeft() async throws {
        try await withRecogniser { recogniser, database in
            let people = try await enrol(0...2, recogniser)
            _ = try await recogniser.merge(MergeRequested(user: people[0], other: people[1]))
            let job = JobID.random()
            // Sent again, as when the worker was lost behind its commit, it reaches the same.
            for _ in 1...2 {
                let erased = try await recogniser.erase(
                    ErasureRequested(user: people[1]), job: job, submitted: .now - 60)
                #expect(erased == ErasureRequested(users: [people[1], people[0]], known: [people[1], people[0]]))
            }
            #expect(try await users(in: database) == 1)
            #expect(await recogniser.count == 1)
            let counts = try await TestDatabase.rowCounts(database)
            #expect(counts["identity.merges"] == 0 && counts["identity.faces"] == 1)
            for face in 0...1 { #expect(try await recogniser.recognise([candidate(face)])[0].get().standing == .new) }
            // What remembers the other id is forgotten with the rest.
            let age = Double(JobHeader.longestLife.components.seconds + 1)
            try await database.query(
                "UPDATE identity.erased_aliases SET erased_at = erased_at - make_interval(secs => $1)", .double(age))
            try await database.transaction { try FaceStore.sweep(on: $0) }
            #expect(try await TestDatabase.rowCounts(database)["identity.erased_aliases"] == 0)
        }
    }

    @Test func theStageMergesAndSaysWhyNot() async throws {
        try await withRecogniser { recogniser, _ in
            let people = try await enrol(0...1, recogniser)
            let stage = IdentityStage(recogniser: recogniser, logger: TestDatabase.silence)
            func outcome(_ user: UserID, _ other: UserID) async throws -> Outcome {
                await stage.handle([try job(MergeRequested(user: user, other: other), .merge)])[0]
            }
            let merged = try await outcome(people[0], people[1])
            #expect(merged.completed(UsersMerged.self)?.people == [.init(user: people[0], merged: [people[1]])])
            for (other, kind) in [(people[0], Failure.Kind.malformedRequest), (.random(), .unknownUser)] {
                let refused = try await outcome(people[0], other)
                guard case .failed(let failure) = refused else { throw Unexpected(outcome: refused) }
                #expect(failure.kind == kind)
            }
        }
    }

    @Test func usersWhoLookAlikeAreProposed() async throws {
        let network = try identityNetwork(further: #", "same": 0.2"#)
        try await withRecogniser(network: network) { recogniser, database in
            func face(_ angle: Float, _ declared: Declaration? = nil) -> Probe {
                candidate(mixed(0, 1, cosine: cos(angle * .pi / 180)), declared: declared)
            }
            let first = try #require(try await recogniser.recognise([face(0)])[0].get().user)
            let second = try #require(try await recogniser.recognise([face(58, .isNew)])[0].get().user)
            _ = try await recogniser.recognise([candidate(2)])[0].get()
            #expect(await recogniser.likenesses().isEmpty)
            // A look of the first between the two; the oldest templates are near enough for a claim.
            #expect(try await recogniser.recognise([face(28)])[0].get().user == first)
            let found = await recogniser.likenesses()
            #expect(found.count == 1)
            #expect(found.first.map { [$0.user, $0.other] as Set } == [first, second])
            #expect(isAbout(1 - cos(30 * .pi / 180), found.first?.distance))
            let returned = try await recogniser.recognise([face(43)])[0].get()
            #expect(Set([returned.user].compactMap(\.self) + (returned.sameAs ?? [])) == [first, second])
            // Merged they are one, and nobody is proposed.
            _ = try await recogniser.merge(MergeRequested(user: first, other: second))
            #expect(await recogniser.likenesses().isEmpty)
        }
    }

    private func enrol(_ faces: ClosedRange<Int>, _ recogniser: Recogniser) async throws -> [UserID] {
        var people: [UserID] = []
        for face in faces {
            people.append(try #require(try await recogniser.recognise([candidate(face)])[0].get().user))
        }
        return people
    }

    private func another(_ database: Database) async throws -> Recogniser {
        try await recogniser(database)
    }

    /// Who there is and whom they are, with their templates.
    private func rows(_ database: Database) async throws -> [String] {
        try await database.query(
            """
            SELECT concat_ws(' ', u.id, u.person, f.id, f.origin, m.into_user) AS row
            FROM identity.users u JOIN identity.faces f ON f.user_id = u.id
                LEFT JOIN identity.merges m ON m.user_id = u.id ORDER BY f.id
            """
        ).map { try $0.decode("row") }
    }
}
