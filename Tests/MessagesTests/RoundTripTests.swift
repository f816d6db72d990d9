import Foundation
import Messages
import Testing

@Suite struct RoundTripTests {
    private let user = UserID.random()
    private let request = SelfieRequest(
        watching: Watching(video: VideoID("dQw4w9WgXcQ")!, session: "evening"), declaredNew: true,
        declaredKnown: true, claims: [.random(), .random()], want: .lift, consent: "1")

    private func expectRoundTrip<M: Message & Equatable>(_ message: M) throws {
        #expect(try M(encoded: try message.encoded()) == message)
    }

    @Test func everyFactReadsBackAsItWas() throws {
        let video = try #require(VideoID("dQw4w9WgXcQ"))
        let person = Person(
            standing: .returning, user: user, by: .claim, distance: 0.61, reason: .ambiguous, sameAs: [.random()])
        let six = (1...6).map { rank in
            Recommendation(
                rank: rank, video: video, title: "Título \(rank)", source: .mood, score: 1 / Float(rank),
                because: rank == 1 ? [NamedVideo(video, title: "Título")] : nil)
        }
        try expectRoundTrip(
            FaceDetected(
                request: request, analysis: .sample,
                template: FaceTemplate(version: "facenet-2", values: (0..<512).map { Float($0) / 512 }),
                previous: FaceTemplate(version: "facenet-1", values: [1])))
        try expectRoundTrip(FaceDetected(request: request, analysis: .sample, refusal: .faceCutOff))
        try expectRoundTrip(FaceAnalysed(analysis: .sample))
        try expectRoundTrip(FacesFound(image: FaceAnalysis.sample.image, faces: [FaceAnalysis.sample.face]))
        try expectRoundTrip(PersonIdentified(request: request, analysis: .sample, person: person))
        try expectRoundTrip(Recommended(analysis: .sample, person: person, recommendations: six, version: 7))
        try expectRoundTrip(RecommendationsListed(user: user, recommendations: six, version: nil))
        for want in [nil, MoodWish.match, .lift] { try expectRoundTrip(UserRequested(user: user, want: want)) }
        try expectRoundTrip(UserDescribed(user: user, since: 1_800_000_000.5, faces: 3))
        try expectRoundTrip(
            UserDescribed(
                user: user, since: 1, faces: 1,
                templates: [.init(added: Date(timeIntervalSince1970: 1.5), version: "a", by: "search")],
                merged: [user], consent: .init(version: "1", at: .distantPast),
                viewer: ViewerRecord(
                    mood: .init(.happy, at: .distantPast),
                    watched: [.init(NamedVideo(video, title: "T"), rating: 1, at: .distantPast)],
                    chosen: [.init(NamedVideo(video, title: "T"), at: .distantPast)],
                    feedback: [.init(NamedVideo(video, title: "T"), .like, at: .distantPast)], version: 3)))
        try expectRoundTrip(VideoClicked(user: user, video: video))
        try expectRoundTrip(ClickRecorded(user: user, video: video))
        for kind in [nil, FeedbackKind.like, .notForMe] {
            try expectRoundTrip(FeedbackGiven(user: user, video: video, kind: kind))
        }
        try expectRoundTrip(MergeRequested(user: user, other: .random(), isUndone: true))
        try expectRoundTrip(
            UsersMerged(
                people: [.init(user: user, merged: [.random()]), .init(user: .random(), merged: [])], sequence: 3))
        try expectRoundTrip(ErasureRequested(users: [user, .random()], known: [user]))
    }

    @Test(arguments: Failure.Kind.allCases)
    func everyFailureReadsBackAsItWas(kind: Failure.Kind) throws {
        try expectRoundTrip(Failure(kind, "One sentence.", stage: .vision))
        try expectRoundTrip(Failure(kind, "One sentence."))
    }

    @Test func factsHaveDifferentNames() {
        let names = [
            ImageSubmitted.name, FaceDetected.name, FaceAnalysed.name, FacesFound.name, PersonIdentified.name,
            Recommended.name,
            RecommendationsListed.name, UserRequested.name, UserDescribed.name, VideoClicked.name, ClickRecorded.name,
            FeedbackGiven.name, MergeRequested.name, UsersMerged.name, ErasureRequested.name, Failure.name,
        ]
        #expect(Set(names).count == names.count)
    }

    @Test func aRecommendationCarriesItsAddress() throws {
        let video = try #require(VideoID("dQw4w9WgXcQ"))
        let recommendation = Recommendation(rank: 1, video: video, title: "", source: .popular, score: 12)
        #expect(recommendation.url == "https://www.youtube.com/watch?v=dQw4w9WgXcQ")
    }

    @Test func whatEarlierBuildsWroteIsRead() throws {
        let earlier = Data(#"{"declaredNew":false}"#.utf8)
        #expect(try JSONDecoder().decode(SelfieRequest.self, from: earlier) == SelfieRequest())
        // Nor does what says nothing change the bytes, from which the job of an Idempotency-Key is made.
        #expect(try JSONEncoder().encode(SelfieRequest()) == earlier)
        let person = Data(#"{"standing":"returning","user":"\#(user)","distance":0.5}"#.utf8)
        #expect(
            try JSONDecoder().decode(Person.self, from: person)
                == Person(standing: .returning, user: user, distance: 0.5))
    }

    @Test func anErasureOfAnEarlierBuildIsRemembered() throws {
        let request = try ErasureRequested(encoded: Data(#"{"user":"\#(user)"}"#.utf8))
        #expect(request == ErasureRequested(users: [user], known: [user]))
    }

    @Test func whatSpokeForAVideoMayBeAnEarlierBuildsIdAlone() throws {
        let video = try #require(VideoID("dQw4w9WgXcQ"))
        let read = try JSONDecoder().decode([NamedVideo].self, from: Data(#"["dQw4w9WgXcQ"]"#.utf8))
        #expect(read == [NamedVideo(video, title: "dQw4w9WgXcQ")])
    }

    @Test func nonsenseIsRefused() {
        #expect(throws: (any Error).self) { try ErasureRequested(encoded: Data("{".utf8)) }
        #expect(throws: (any Error).self) { try ErasureRequested(encoded: Data(#"{"user":"me"}"#.utf8)) }
        #expect(throws: (any Error).self) {
            try VideoClicked(encoded: Data(#"{"user":"\#(UserID.random())","video":"../../etc"}"#.utf8))
        }
    }
}
