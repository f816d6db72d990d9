import Database
import DatabaseTesting
import Foundation
import Messages
import Testing

@testable import Identity

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(5)))
struct TemplatesTests {
    @Test func aLookThatWasLearntIsKnown() async throws {
        try await withRecogniser { recogniser, database in
            let user = try #require(try await recogniser.recognise([turned(0)])[0].get().user)
            #expect(try await recogniser.recognise([turned(35)])[0].get().by == .search)
            #expect(await recogniser.count == 2)
            // Another worker learns it too.
            for worker in [recogniser, try await Self.another(database)] {
                let person = try await worker.recognise([turned(70)])[0].get()
                #expect(person.user == user && person.standing == .returning)
            }
            let kept = try await database.query("SELECT origin, distance FROM identity.faces ORDER BY id")
            #expect(try kept.map { try $0.decode("origin") as String }.prefix(2) == ["enrolment", "search"])
        }
    }

    @Test func aJobThatComesAgainAddsNoTemplateTwice() async throws {
        try await withRecogniser { recogniser, database in
            let user = try #require(try await recogniser.recognise([turned(0)])[0].get().user)
            for claims in [[], [user]] {
                let probe = turned(claims.isEmpty ? 35 : -35, claims: claims)
                let first = try await recogniser.recognise([probe])[0].get()
                let count = await recogniser.count
                for worker in [recogniser, try await Self.another(database)] {
                    #expect(try await worker.recognise([probe])[0].get() == first)
                }
                #expect(try await Self.templates(in: database) == count)
            }
            #expect(await recogniser.count == 3)
        }
    }

    @Test func aJobThatComesAgainToAWorkerThatIsBehindAddsNoTemplateTwice() async throws {
        try await withRecogniser { recogniser, database in
            _ = try await recogniser.recognise([turned(0)])[0].get()
            let behind = try await Self.another(database)
            let probe = turned(35)
            _ = try await recogniser.recognise([probe])[0].get()
            #expect(await behind.count == 1)
            _ = try await behind.recognise([probe])[0].get()
            #expect(try await Self.templates(in: database) == 2)
        }
    }

    @Test func thereAreNeverMoreThanTheLimit() async throws {
        try await withRecogniser(templates: 3) { recogniser, database in
            let user = try #require(try await recogniser.recognise([turned(0)])[0].get().user)
            let other = try await Self.another(database, templates: 3)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for angle in stride(from: -40, through: 40, by: 4) where angle != 0 {
                    for worker in [recogniser, other] {
                        group.addTask {
                            let person = try await worker.recognise([turned(Float(angle), claims: [user])])[0].get()
                            #expect(person.user == user)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await Self.templates(in: database) == 3)
            try await recogniser.catchUp()
            #expect(await recogniser.count == 3)
        }
    }

    @Test func aWrongTemplateDoesNotSpread() async throws {
        try await withRecogniser { recogniser, database in
            let user = try #require(try await recogniser.recognise([turned(0)])[0].get().user)
            // Somebody else, in a picture that looks like the user.
            #expect(try await recogniser.recognise([turned(44)])[0].get().user == user)
            #expect(await recogniser.count == 2)
            // As they usually look they are nearest to that one, and bring nothing in.
            for angle in [64, 70, 76, 82] as [Float] {
                #expect(try await recogniser.recognise([turned(angle)])[0].get().user == user)
            }
            #expect(await recogniser.count == 2)
            #expect(try await recogniser.recognise([turned(-30)])[0].get().user == user)
            #expect(await recogniser.count == 3)
        }
    }

    @Test func erasingTakesEveryTemplate() async throws {
        try await withRecogniser { recogniser, database in
            let user = try #require(try await recogniser.recognise([turned(0)])[0].get().user)
            let learnt = turned(35)
            _ = try await recogniser.recognise([learnt])[0].get()
            #expect(try await recogniser.describe(user)?.faces == 2)
            _ = try await recogniser.erase(ErasureRequested(user: user), job: .random(), submitted: .now)
            #expect(try await Self.templates(in: database) == 0)
            #expect(await recogniser.count == 0)
            // Nor does the job that brought it make anybody when it comes again.
            #expect(try await recogniser.recognise([learnt])[0].get().reason == .erasedMeanwhile)
        }
    }

    private static func another(_ database: Database, templates: Int = 8) async throws -> Recogniser {
        try await recogniser(database, templates: templates)
    }

    private static func templates(in database: Database) async throws -> Int {
        try await database.query("SELECT count(*) AS count FROM identity.faces")[0].decode("count")
    }
}

/// A face turned by an angle in the plane of the first two axes: up to 60 degrees a claim holds, to 53 it matches, to 44 it is
/// kept.
private func turned(_ angle: Float, claims: [UserID] = []) -> Probe {
    candidate(mixed(0, 1, cosine: cos(angle * .pi / 180), negative: angle < 0), claims: claims)
}
