import Database
import DatabaseTesting
import Foundation
import Messages
import Testing

@testable import Identity

@Suite(.enabled(if: TestDatabase.server != nil, Comment(rawValue: TestDatabase.isMissing)), .timeLimit(.minutes(5)))
struct ClaimTests {
    @Test func aClaimHoldsWhereASearchIsUnsure() async throws {
        try await withRecogniser { recogniser, database in
            let user = try #require(try await recogniser.recognise([candidate(0)])[0].get().user)
            let unlike = mixed(0, 1, cosine: 0.55)
            let unsure = try await recogniser.recognise([candidate(unlike)])[0].get()
            #expect(unsure.reason == .ambiguous)
            let claimed = try await recogniser.recognise([candidate(unlike, claims: [user])])[0].get()
            #expect(claimed.standing == .returning && claimed.user == user && claimed.by == .claim)
            #expect(isAbout(0.45, claimed.distance))
            // Not near enough to be kept.
            #expect(await recogniser.count == 1)
            // Who says that they are new is not held to a claim that is no match.
            let another = try await recogniser.recognise([candidate(unlike, declared: .isNew, claims: [user])])[0].get()
            #expect(another.standing == .new)
        }
    }

    @Test func whereNoClaimHoldsEverybodyIsCompared() async throws {
        try await withRecogniser { recogniser, _ in
            let first = try #require(try await recogniser.recognise([candidate(0)])[0].get().user)
            let foreign = try #require(try await recogniser.recognise([candidate(1)])[0].get().user)
            let erased = try #require(try await recogniser.recognise([candidate(2)])[0].get().user)
            _ = try await recogniser.erase(ErasureRequested(user: erased), job: .random(), submitted: .now)
            let claims = [.random(), foreign, erased]
            let person = try await recogniser.recognise([candidate(0, claims: claims)])[0].get()
            #expect(person.user == first && person.by == .search)
            // A borrowed telephone.
            let stranger = try await recogniser.recognise([candidate(3, claims: [first, foreign])])[0].get()
            #expect(stranger.standing == .new && stranger.by == nil)
            // Nobody comes back to life by being claimed.
            let back = try await recogniser.recognise([candidate(2, submitted: .now + 1, claims: [erased])])[0].get()
            #expect(back.standing == .new && back.user != erased)
        }
    }

    @Test func ofSeveralClaimsTheNearestHolds() async throws {
        try await withRecogniser { recogniser, _ in
            let near = try #require(try await recogniser.recognise([candidate(0)])[0].get().user)
            let far = try #require(try await recogniser.recognise([candidate(1)])[0].get().user)
            let face = mixed(0, 1, cosine: 0.8)
            for claims in [[near, far], [far, near]] {
                let person = try await recogniser.recognise([candidate(face, claims: claims)])[0].get()
                #expect(person.user == near && person.by == .claim)
                // The other would hold, but does not match.
                #expect(person.sameAs == nil)
            }
        }
    }

    @Test func whomAClaimMatchesTooMayBeTheSamePerson() async throws {
        try await withRecogniser { recogniser, _ in
            let first = try #require(try await recogniser.recognise([candidate(0)])[0].get().user)
            let unlike = mixed(0, 1, cosine: 0.55)
            let second = try #require(
                try await recogniser.recognise([candidate(unlike, declared: .isNew)])[0].get().user)
            let between = mixed(0, 1, cosine: 0.8)
            let person = try await recogniser.recognise([candidate(between, claims: [first, second])])[0].get()
            #expect(person.by == .claim)
            #expect(Set([person.user].compactMap(\.self) + (person.sameAs ?? [])) == [first, second])
        }
    }

    @Test func whoSaysThatTheyAreKnownIsTakenForTheNearestOrNobody() async throws {
        try await withRecogniser { recogniser, database in
            let user = try #require(try await recogniser.recognise([candidate(0)])[0].get().user)
            let known = try await recogniser.recognise([candidate(mixed(0, 1, cosine: 0.55), declared: .isKnown)])[0]
                .get()
            #expect(known.user == user && known.standing == .returning && known.by == .search)
            let stranger = try await recogniser.recognise([candidate(3, declared: .isKnown)])[0].get()
            #expect(stranger.standing == .uncertain && stranger.reason == .ambiguous)
            #expect(try await users(in: database) == 1)
        }
    }

    @Test func theStageReadsWhatWasSaidAndPassesNoClaimOn() async throws {
        try await withRecogniser { recogniser, _ in
            let user = try #require(try await recogniser.recognise([candidate(0)])[0].get().user)
            let stage = IdentityStage(recogniser: recogniser, logger: TestDatabase.silence)
            func person(_ request: SelfieRequest) async throws -> PersonIdentified {
                let face = FaceDetected(
                    request: request, analysis: analysis,
                    template: FaceTemplate(version: "test-1", values: mixed(0, 1, cosine: 0.55)))
                return try #require(try await stage.handle([job(face, .selfie)])[0].completed(PersonIdentified.self))
            }
            let claimed = try await person(SelfieRequest(claims: [user]))
            #expect(claimed.person.by == .claim && claimed.request.claims.isEmpty)
            #expect(try await person(SelfieRequest(declaredKnown: true)).person.by == .search)
            #expect(
                try await person(SelfieRequest(declaredNew: true, declaredKnown: true)).person.standing == .uncertain)
            #expect(try await person(SelfieRequest(declaredNew: true)).person.standing == .new)
        }
    }
}
