import Broker
import Database
import DatabaseTesting
import Foundation
import Messages
import ModelManifest
import Testing

@testable import Identity

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(5)))
struct RecogniserTests {
    @Test func somebodyNewReturns() async throws {
        try await withRecogniser { recogniser, _ in
            let first = try await recogniser.recognise([candidate(0)])[0].get()
            #expect(first.standing == .new)
            #expect(first.distance == nil)
            let again = try await recogniser.recognise([candidate(0)])[0].get()
            #expect(again.standing == .returning)
            #expect(again.user == first.user)
            let other = try await recogniser.recognise([candidate(1)])[0].get()
            #expect(other.standing == .new)
            #expect(other.user != first.user)
            let described = try await recogniser.describe(try #require(first.user))
            #expect(described?.faces == 1)
        }
    }

    @Test func aJobThatComesAgainGetsItsFirstAnswer() async throws {
        try await withRecogniser { recogniser, database in
            _ = try await recogniser.recognise([candidate(1)])[0].get()
            let job = JobID.random()
            let first = try await recogniser.recognise([candidate(0, job: job)])[0].get()
            let again = try await recogniser.recognise([candidate(0, job: job)])[0].get()
            #expect(first.standing == .new)
            #expect(again == first)
            #expect(try await users(in: database) == 2)
        }
    }

    @Test func inTheBandNobodyIsMergedOrMade() async throws {
        try await withRecogniser { recogniser, database in
            let known = try await recogniser.recognise([candidate(0)])[0].get()
            let between = mixed(0, 1, cosine: 0.5)
            let unsure = try await recogniser.recognise([candidate(between)])[0].get()
            #expect(unsure.standing == .uncertain)
            #expect(unsure.reason == .ambiguous)
            #expect(unsure.user == nil)
            #expect(try await users(in: database) == 1)

            let declared = try await recogniser.recognise([candidate(between, declared: .isNew)])[0].get()
            #expect(declared.standing == .new)
            #expect(declared.user != known.user)
            let certain = try await recogniser.recognise([candidate(0, declared: .isNew)])[0].get()
            #expect(certain.standing == .returning)
            #expect(certain.user == known.user)
        }
    }

    @Test func whereFacesLieCloseTogetherTheSameDistanceSaysLess() async throws {
        // A crowd around the first axis: there a cosine of 0.7 is not enough, which it is elsewhere.
        let file = try cohortFile(nearest: 1, weight: 0.4, usual: 0.2)
        try await withRecogniser(cohort: Cohort(file, members: axis(0), width: 8)) { recogniser, _ in
            _ = await recogniser.recognise([candidate(0), candidate(2)])
            let crowded = try await recogniser.recognise([candidate(mixed(0, 1, cosine: 0.7))])[0].get()
            #expect(crowded.standing == .uncertain)
            #expect(isAbout(0.3 * exp(0.4 * (0.7 + 1 - 2 * 0.2)), crowded.distance))
            let elsewhere = try await recogniser.recognise([candidate(mixed(2, 3, cosine: 0.7))])[0].get()
            #expect(elsewhere.standing == .returning)
            #expect(isAbout(0.3 * exp(-0.4 * 2 * 0.2), elsewhere.distance))
            let same = try await recogniser.recognise([candidate(0)])[0].get()
            #expect(same.standing == .returning)
            #expect(same.distance == 0)
        }
    }

    @Test func whoIsLikeSeveralIsNotSurelyTheNearest() async throws {
        let impostors = #", "rivals": {"count": 2, "weight": 2, "usual": 0.2}"#
        try await withRecogniser(network: identityNetwork(further: impostors)) { recogniser, _ in
            // A bit of the first three axes each; the rest on another one.
            let several: [Float] = [0.7, 0.5, 0.5, 0, 0, 0, 0, 0.1]
            let one = mixed(0, 7, cosine: 0.7)
            _ = await recogniser.recognise([candidate(0), candidate(1)])
            let early = try await recogniser.recognise([candidate(several)])[0].get()
            #expect(early.standing == .returning)
            #expect(isAbout(0.3, early.distance))

            _ = await recogniser.recognise([candidate(2)])
            let unsure = try await recogniser.recognise([candidate(several)])[0].get()
            #expect(unsure.standing == .uncertain)
            #expect(isAbout(0.3 * exp(2 * (0.5 - 0.2)), unsure.distance))
            let sure = try await recogniser.recognise([candidate(one)])[0].get()
            #expect(sure.standing == .returning)
            #expect(isAbout(0.3, sure.distance))
        }
    }

    @Test func anUnfitFaceIsNeitherMatchedNorEnrolled() async throws {
        try await withRecogniser { recogniser, database in
            let stage = IdentityStage(recogniser: recogniser, logger: TestDatabase.silence)
            let small = FaceDetected(
                request: SelfieRequest(declaredNew: true), analysis: analysis, refusal: .faceTooSmall)
            let person = try await identified(stage.handle([job(small, .selfie)])[0])
            #expect(person == Person(standing: .uncertain, user: nil, distance: nil, reason: .faceTooSmall))
            #expect(try await users(in: database) == 0)
        }
    }

    @Test func vectorsOfAnotherNetworkAreNotCompared() async throws {
        try await withRecogniser { recogniser, _ in
            var other = candidate(0)
            other.templates[0].version = "test-2"
            await #expect(throws: RecognitionError.otherNetwork(theirs: ["test-2"], ours: "test-1")) {
                try await recogniser.recognise([other])[0].get()
            }
        }
    }

    @Test func aNewNetworkStartsWithAnEmptyGallery() async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                let old = try await recogniser(database)
                _ = try await old.recognise([candidate(0)])[0].get()
                let new = try await recogniser(database, network: identityNetwork(version: "test-2"))
                #expect(await new.count == 0)
                #expect(await old.count == 1)
            }
        }
    }

    @Test func fourWorkersAndTwoHundredJobsOfOneNewFaceMakeOneUser() async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) {
                try await $0.migrate(schema: Schema.name, Schema.migrations)
            }
            let people = try await withThrowingTaskGroup(of: [Person].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await TestDatabase.withPool(of: address) { database in
                            let recogniser = Recogniser(
                                database: database, current: KnownPeople(network: try identityNetwork(), cohort: nil))
                            return try await withThrowingTaskGroup(of: Person.self) { jobs in
                                for _ in 0..<50 {
                                    jobs.addTask { try await recogniser.recognise([candidate(0)])[0].get() }
                                }
                                return try await jobs.reduce(into: []) { $0.append($1) }
                            }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(people.count == 200)
            #expect(Set(people.map(\.user)).count == 1)
            #expect(people.filter { $0.standing == .new }.count == 1)
            let count = try await TestDatabase.withPool(of: address) { try await users(in: $0) }
            #expect(count == 1)
        }
    }

    @Test func theFeedBringsWhatOthersEnrol() async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                let here = try await recogniser(database)
                let there = Recogniser(
                    database: database, current: KnownPeople(network: try identityNetwork(), cohort: nil))
                let feed = GalleryFeed(database: database, recogniser: there, logger: TestDatabase.silence)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await feed.run() }
                    while await !there.isLoaded { try await Task.sleep(for: .milliseconds(10)) }
                    #expect(await there.count == 0)
                    // From here on only an announcement brings it.
                    _ = try await here.recognise([candidate(0)])[0].get()
                    while await there.count == 0 { try await Task.sleep(for: .milliseconds(10)) }
                    group.cancelAll()
                }
            }
        }
    }

    @Test func theStageAnswersEveryTripThatPasses() async throws {
        try await withRecogniser { recogniser, _ in
            let stage = IdentityStage(recogniser: recogniser, logger: TestDatabase.silence)
            let detected = FaceDetected(
                request: SelfieRequest(), analysis: analysis, template: candidate(0).templates[0])
            let person = try await identified(stage.handle([try job(detected, .selfie)])[0])
            let user = try #require(person.user)
            let described = try await stage.handle([job(UserRequested(user: user), .user)])[0]
            #expect(described.completed(UserDescribed.self)?.user == user)
            let erased = try await stage.handle([job(ErasureRequested(user: user), .erasure)])[0]
            #expect(erased.completed(ErasureRequested.self) == ErasureRequested(users: [user], known: [user]))
            let gone = await stage.handle([try job(UserRequested(user: user), .user)])[0]
            guard case .failed(let failure) = gone else { throw Unexpected(outcome: gone) }
            #expect(failure.kind == .unknownUser)
            let stray = await stage.handle([try job(UserRequested(user: user), .selfie)])[0]
            guard case .unreadable = stray else { throw Unexpected(outcome: stray) }
        }
    }

    @Test func byWhichTextSomebodyAgreedIsKeptAndErasedWithThem() async throws {
        try await withRecogniser { recogniser, database in
            let stage = IdentityStage(recogniser: recogniser, logger: TestDatabase.silence)
            func look(_ text: String?, at moment: Date = .now) async throws -> UserID {
                let detected = FaceDetected(
                    request: SelfieRequest(consent: text), analysis: analysis, template: candidate(0).templates[0])
                var sent = try job(detected, .selfie)
                sent.header.submitted = moment
                return try #require(try await identified(stage.handle([sent])[0]).user)
            }
            func consent(of user: UserID) async throws -> UserDescribed.Consent? {
                try #require(try await recogniser.describe(user)).consent
            }
            let user = try await look(nil)
            #expect(try await consent(of: user) == nil)
            let first = Date(timeIntervalSince1970: (Date.now.timeIntervalSince1970 - 60).rounded())
            #expect(try await look("1", at: first) == user)
            #expect(try await consent(of: user) == UserDescribed.Consent(version: "1", at: first))
            // The same text, none, and one that comes late.
            for (text, moment) in [("1", first + 5), (nil, first + 6), ("0", first - 5)] as [(String?, Date)] {
                _ = try await look(text, at: moment)
            }
            #expect(try await consent(of: user) == UserDescribed.Consent(version: "1", at: first))
            _ = try await look("2", at: first + 7)
            #expect(try await consent(of: user) == UserDescribed.Consent(version: "2", at: first + 7))
            #expect(try await recogniser.describe(user)?.templates?.map(\.by) == ["enrolment"])
            _ = try await recogniser.erase(ErasureRequested(user: user), job: .random(), submitted: .now)
            let rows = try await database.query("SELECT FROM identity.users WHERE consent IS NOT NULL")
            #expect(rows.isEmpty)
        }
    }

    @Test func whoReturnsIsKnownWithoutADatabaseWhateverTheyAgreeTo() async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                let stage = IdentityStage(recogniser: try await recogniser(database), logger: TestDatabase.silence)
                let detected = FaceDetected(
                    request: SelfieRequest(consent: "1"), analysis: analysis, template: candidate(0).templates[0])
                let first = try await identified(stage.handle([try job(detected, .selfie)])[0])
                #expect(first.standing == .new)
                await database.close()
                let again = try await identified(stage.handle([try job(detected, .selfie)])[0])
                #expect(again.standing == .returning && again.user == first.user)
            }
        }
    }

    @Test func connectionsLostInBetweenAreMadeAnew() async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                let worker = try await recogniser(database)
                let first = try await worker.recognise([candidate(0)])[0].get()
                try await TestDatabase.withPool(of: address, connections: 1) { other in
                    try await other.query(
                        """
                        SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid()
                        """)
                }
                let second = try await worker.recognise([candidate(1)])[0].get()
                #expect(second.standing == .new)
                #expect(second.user != first.user)
                #expect(try await users(in: database) == 2)
            }
        }
    }

    @Test func aWorkerThatHasJustStartedKnowsEverybody() async throws {
        try await TestDatabase.withAddress { address in
            try await TestDatabase.withPool(of: address) { database in
                let old = try await recogniser(database)
                let known = try await old.recognise([candidate(0)])[0].get()
                let fresh = Recogniser(
                    database: database, current: KnownPeople(network: try identityNetwork(), cohort: nil))
                let again = try await fresh.recognise([candidate(0)])[0].get()
                #expect(again.standing == .returning)
                #expect(again.user == known.user)
            }
        }
    }

    @Test func withoutADatabaseTheJobWaitsForIt() async throws {
        let address = DatabaseAddress("postgresql://nobody@127.0.0.1:1/none")
        try await TestDatabase.withPool(of: address) { database in
            let recogniser = Recogniser(
                database: database, current: KnownPeople(network: try identityNetwork(), cohort: nil))
            let stage = IdentityStage(recogniser: recogniser, logger: TestDatabase.silence)
            let detected = FaceDetected(
                request: SelfieRequest(), analysis: analysis, template: candidate(0).templates[0])
            let outcome = await stage.handle([try job(detected, .selfie)])[0]
            guard case .unavailable(let failure) = outcome else { throw Unexpected(outcome: outcome) }
            #expect(failure.kind == .unavailable)
        }
    }
}
