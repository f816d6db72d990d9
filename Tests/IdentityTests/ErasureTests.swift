import Database
import DatabaseTesting
import Foundation
import Messages
import Testing

@testable import Identity

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(5)))
struct ErasureTests {
    @Test func erasingReachesTheOtherWorkersAndIsFinal() async throws {
        try await withRecogniser { here, database in
            let there = try await recogniser(database)
            let job = JobID.random()
            let user = try #require(try await here.recognise([candidate(0, job: job)])[0].get().user)
            try await there.catchUp()
            #expect(await there.count == 1)
            for _ in 1...2 {
                // Asked again, perhaps since the answer was lost, it is still somebody who was known.
                let erased = try await here.erase(ErasureRequested(user: user), job: .random(), submitted: .now)
                #expect(erased == ErasureRequested(users: [user], known: [user]))
            }
            try await there.catchUp()
            #expect(await there.count == 0)
            #expect(try await users(in: database) == 0)
            #expect(try await here.describe(user) == nil)
            let again = try await there.recognise([candidate(0, job: job)])[0].get()
            #expect(again == Person(standing: .uncertain, user: nil, distance: nil, reason: .erasedMeanwhile))
            let back = try await there.recognise([candidate(0)])[0].get()
            #expect(back.standing == .new)
            #expect(back.user != user)
        }
    }

    @Test(arguments: [nil, Declaration.isNew])
    func aPictureThatWaitedWhileSomebodyWasErasedMakesNobody(declared: Declaration?) async throws {
        try await withRecogniser { worker, database in
            let known = try await worker.recognise([candidate(1)])[0].get()
            let user = try #require(try await worker.recognise([candidate(0)])[0].get().user)
            let requested = Date.now
            _ = try await worker.erase(ErasureRequested(user: user), job: .random(), submitted: requested)

            let waited = candidate(0, submitted: requested - 1, declared: declared)
            for worker in [worker, try await recogniser(database)] {
                let person = try await worker.recognise([waited])[0].get()
                #expect(person.standing == .uncertain)
                #expect(person.reason == .erasedMeanwhile)
                #expect(person.user == nil)
            }
            #expect(try await users(in: database) == 1)
            // Whoever is known is recognised however long the picture waited.
            let other = try await worker.recognise([candidate(1, submitted: requested - 1)])[0].get()
            #expect(other.user == known.user)
            // Who comes of their own will afterwards is somebody new.
            let back = try await worker.recognise([candidate(0, submitted: requested + 1)])[0].get()
            #expect(back.standing == .new)
        }
    }

    @Test func anIdThatNobodyWasGivenLeavesNoTrace() async throws {
        try await withRecogniser { worker, database in
            _ = try await worker.recognise([candidate(1)])[0].get()
            let before = try await TestDatabase.rowCounts(database)
            let stranger = UserID.random()
            for _ in 1...2 {
                let erased = try await worker.erase(ErasureRequested(user: stranger), job: .random(), submitted: .now)
                #expect(erased == ErasureRequested(users: [stranger], known: []))
            }
            #expect(try await TestDatabase.rowCounts(database) == before)
            // Nor does it keep anybody else out.
            let waited = try await worker.recognise([candidate(0, submitted: .now - 60)])[0].get()
            #expect(waited.standing == .new)
        }
    }

    @Test func everyProfileOfARequestGoes() async throws {
        try await withRecogniser { worker, database in
            let first = try #require(try await worker.recognise([candidate(0)])[0].get().user)
            let second = try #require(try await worker.recognise([candidate(1)])[0].get().user)
            let stranger = UserID.random()
            _ = try await worker.recognise([candidate(2)])[0].get()
            let request = ErasureRequested(users: [second, stranger, first])
            #expect(try await worker.erase(request, job: .random(), submitted: .now).known == [second, first])
            #expect(try await users(in: database) == 1)
            #expect(await worker.count == 1)
        }
    }

    @Test func whatNoJobCanBringBackIsForgotten() async throws {
        try await withRecogniser { worker, database in
            let user = try #require(try await worker.recognise([candidate(0)])[0].get().user)
            _ = try await worker.erase(ErasureRequested(user: user), job: .random(), submitted: .now)
            try await database.transaction { try FaceStore.sweep(on: $0) }
            var counts = try await TestDatabase.rowCounts(database)
            #expect(counts["identity.erased"] == 1 && counts["identity.erased_jobs"] == 1)

            let age = JobHeader.longestLife.components.seconds + 1
            for table in ["erased", "erased_jobs"] {
                try await database.query(
                    "UPDATE identity.\(table) SET erased_at = erased_at - make_interval(secs => $1)",
                    .double(Double(age)))
            }
            try await database.transaction { try FaceStore.sweep(on: $0) }
            counts = try await TestDatabase.rowCounts(database)
            #expect(counts["identity.erased"] == 0 && counts["identity.erased_jobs"] == 0)
            // A picture from that time, should there be one, makes nobody all the same.
            let ancient = try await worker.recognise([candidate(0, submitted: .now - Double(age))])[0].get()
            #expect(ancient.reason == .erasedMeanwhile)
        }
    }

    @Test func changesOfFacesThatAreGoneAreClearedAway() async throws {
        try await withRecogniser { worker, database in
            let behind = try await recogniser(database)
            let lasting = try await worker.recognise([candidate(7)])[0].get()
            for index in 0..<3 {
                let user = try #require(try await worker.recognise([candidate(index)])[0].get().user)
                // It sees the second come and not go.
                if index < 2 { try await behind.catchUp() }
                _ = try await worker.erase(ErasureRequested(user: user), job: .random(), submitted: .now - 60)
            }
            #expect(try await TestDatabase.rowCounts(database)["identity.changes"] == 7)
            try await database.transaction { try FaceStore.sweep(on: $0) }
            #expect(try await TestDatabase.rowCounts(database)["identity.changes"] == 7)

            try await database.query("UPDATE identity.changes SET changed_at = changed_at - interval '25 hours'")
            try await database.transaction { try FaceStore.sweep(on: $0) }
            // The lasting face's, and the last of all.
            #expect(try await TestDatabase.rowCounts(database)["identity.changes"] == 2)

            // Whoever has missed what was cleared away forgets the erased all the same, and knows the others.
            #expect(await behind.count == 2)
            try await behind.catchUp()
            #expect(await behind.count == 1)
            #expect(await behind.isLoaded)
            for worker in [worker, behind, try await recogniser(database)] {
                #expect(try await worker.recognise([candidate(7)])[0].get().user == lasting.user)
                #expect(await worker.count == 1)
            }
            // Numbers go on from where they were.
            _ = try await worker.recognise([candidate(0)])[0].get()
            try await behind.catchUp()
            #expect(await behind.count == 2)
        }
    }
}
