import Database
import DatabaseTesting
import Foundation
import Messages
import ModelManifest
import Testing

@testable import Identity

/// From network test-1 to test-2, in whose vectors everybody lies elsewhere.
@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(5)))
struct MigrationTests {
    @Test func aNewNetworkKeepsItsPeople() async throws {
        try await withRecogniser { old, database in
            let known = try #require(try await old.recognise([candidate(0)])[0].get().user)
            let absent = try #require(try await old.recognise([candidate(1)])[0].get().user)
            let new = try await migrating(database)
            for claims in [[], [known]] {
                let person = try await new.recognise([seenByBoth(0, claims: claims)])[0].get()
                #expect(person.user == known && person.standing == .returning)
            }
            #expect(try await standings(database) == ["test-1 2 2 1", "test-2 1 1 0"])
            let origins = try await database.query("SELECT origin FROM identity.faces WHERE version = 'test-2'")
            #expect(try origins.map { try $0.decode("origin") as String } == ["migration"])
            // Somebody new is known by the new network alone; a near one is not made anew for being unknown to it.
            #expect(try await new.recognise([seenByBoth(2)])[0].get().standing == .new)
            var between = seenByBoth(3)
            between.templates[1].values = mixed(1, 4, cosine: 0.5)
            #expect(try await new.recognise([between])[0].get().reason == .ambiguous)
            #expect(try await standings(database) == ["test-1 2 2 1", "test-2 2 2 1"])

            // When the old one is gone, so is whoever did not come meanwhile.
            let dropped = try await database.transaction { connection in
                try connection.query(Schema.lock)
                return try NetworkVersions.drop("test-1", on: connection)
            }
            #expect(dropped == 2)
            try await new.catchUp()
            for worker in [new, try await recogniser(database, network: identityNetwork(version: "test-2"))] {
                #expect(try await worker.recognise([seenByBoth(0)])[0].get().user == known)
                #expect(try await worker.recognise([seenByBoth(1, declared: .isKnown)])[0].get().user == nil)
            }
            #expect(try await old.describe(absent)?.faces == 0)
        }
    }

    @Test func whileVisionStillSendsTheOldVectorsPeopleAreKnown() async throws {
        try await withRecogniser { old, database in
            let user = try await old.recognise([candidate(0)])[0].get().user
            let new = try await migrating(database)
            #expect(try await new.recognise([candidate(0)])[0].get().user == user)
            // Nobody is enrolled by a network that is on its way out.
            await #expect(throws: RecognitionError.otherNetwork(theirs: ["test-1"], ours: "test-2")) {
                try await new.recognise([candidate(5)])[0].get()
            }
        }
    }

    @Test func everybodyComesOverUnderLoad() async throws {
        try await TestDatabase.withAddress { address in
            let people = try await TestDatabase.withPool(of: address) { database in
                let old = try await recogniser(database)
                var people: [UserID?] = []
                for face in 0..<6 { people.append(try await old.recognise([candidate(face)])[0].get().user) }
                return people
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await TestDatabase.withPool(of: address) { database in
                            let worker = try await migrating(database)
                            try await withThrowingTaskGroup(of: Void.self) { jobs in
                                for face in 0..<48 {
                                    jobs.addTask {
                                        let person = try await worker.recognise([seenByBoth(face % 8)])[0].get()
                                        if face % 8 < 6 { #expect(person.user == people[face % 8]) }
                                    }
                                }
                                try await jobs.waitForAll()
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let (versions, count) = try await TestDatabase.withPool(of: address) { database in
                (try await standings(database), try await users(in: database))
            }
            #expect(versions == ["test-1 6 6 0", "test-2 8 8 2"])
            #expect(count == 8)
        }
    }

    private func migrating(_ database: Database) async throws -> Recogniser {
        try await recogniser(
            database, network: identityNetwork(version: "test-2"), previous: identityNetwork(version: "test-1"))
    }

    private func seenByBoth(_ face: Int, declared: Declaration? = nil, claims: [UserID] = []) -> Probe {
        var probe = candidate(face, declared: declared, claims: claims)
        probe.templates.insert(FaceTemplate(version: "test-2", values: axis((face + 3) % 8)), at: 0)
        return probe
    }

    private func standings(_ database: Database) async throws -> [String] {
        try await database.withConnection { try NetworkVersions.all(on: $0) }.map {
            "\($0.version) \($0.users) \($0.templates) \($0.alone)"
        }
    }
}
