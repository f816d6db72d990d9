package import Broker
import Database
import FoundationEssentials
package import Logging
import Messages

/// The last stage of a selfie and the only one of clicks, feedback and lists: stores what was enjoyed and answers with six videos.
package struct RecommenderStage: StageHandler {
    private let store: Store
    private let catalogue: Catalogue
    private let keywords: MoodKeywords
    private let asksYouTube: Bool
    private let logger: Logger

    /// `asksYouTube` says that what YouTube found for the keywords goes before the catalogue.
    package init(store: Store, catalogue: Catalogue, keywords: MoodKeywords, asksYouTube: Bool, logger: Logger) {
        self.store = store
        self.catalogue = catalogue
        self.keywords = keywords
        self.asksYouTube = asksYouTube
        self.logger = logger
    }

    package func handle(_ jobs: [Envelope]) async -> [Outcome] {
        var outcomes: [Outcome] = []
        for job in jobs { outcomes.append(await outcome(of: job)) }
        return outcomes
    }

    private func outcome(of job: Envelope) async -> Outcome {
        do {
            switch job.header.trip {
            case .selfie: return .completed(try await recommend(job.decode(PersonIdentified.self), job.header))
            case .recommendations: return .completed(try await list(job.decode(UserRequested.self)))
            case .click: return .completed(try await click(job.decode(VideoClicked.self), job.id))
            case .feedback:
                return .completed(try await hear(job.decode(FeedbackGiven.self), said: job.header.submitted))
            case .erasure:
                return .completed(try await erase(job.decode(ErasureRequested.self)))
            case .user: return .completed(try await describe(job.decode(UserDescribed.self)))
            case .merge: return .completed(try await merge(job.decode(UsersMerged.self)))
            case .analysis, .faces: return .unreadable(.unexpectedType(job.type))
            }
        } catch let error as EnvelopeError {
            return .unreadable(error)
        } catch let failure as Failure {
            return .failed(failure)
        } catch let error as DatabaseError where error.isOutage {
            logger.warning("database unavailable", metadata: ["job.id": "\(job.id)", "error": "\(error)"])
            return .unavailable(
                Failure(.unavailable, "The database cannot be reached; try again later.", stage: .recommender))
        } catch let error as DatabaseError where error.isTransient {
            logger.warning("database busy", metadata: ["job.id": "\(job.id)", "error": "\(error)"])
            return .retry(Failure(.unavailable, "The database is busy; try again later.", stage: .recommender))
        } catch {
            logger.error("job failed", metadata: ["job.id": "\(job.id)", "error": "\(error)"])
            return .failed(Failure(.internalError, "The recommender failed on this request.", stage: .recommender))
        }
    }

    // MARK: The trips

    private func recommend(_ identified: PersonIdentified, _ header: JobHeader) async throws -> Recommended {
        let job = header.job
        let mood = identified.analysis.mood.name
        let watching = identified.request.watching
        return try await store.database.transaction { connection in
            guard let identity = identified.person.user else {
                return try recommend(identified, to: identified.person, job, connection)
            }
            let user = try Lock.person(identity, connection)
            guard !header.isPastLife(at: .now), try !store.isErased(user, connection) else {
                let nobody = Person(standing: .uncertain, user: nil, distance: nil, reason: .erasedMeanwhile)
                return try recommend(identified, to: nobody, job, connection)
            }
            try store.see(user, mood, connection)
            var change = Store.Change.none
            var fate: ReactionFate?
            if let watching, let reaction = identified.analysis.reaction {
                change = try store.rate(user, watching, rating: reaction.rating, job: job, connection)
                fate = try change != .none || store.isKnown(watching.video, connection) ? .stored : .unknownVideo
            }
            let (recommendations, version) = try list(
                for: user, mood.sought(identified.request.want), isChanged: change != .none,
                wantsCollaborative: identified.person.standing == .returning, watching: watching?.video, connection)
            if let watching, change == .choice { try store.count(watching.video, connection) }
            return Recommended(
                analysis: identified.analysis, person: identified.person, recommendations: recommendations,
                version: version, reaction: fate)
        }
    }

    /// What is recommended to somebody nothing is stored of.
    private func recommend(
        _ identified: PersonIdentified, to nobody: Person, _ job: JobID, _ connection: isolated Connection
    ) throws -> Recommended {
        let watching = identified.request.watching
        return Recommended(
            analysis: identified.analysis, person: nobody,
            recommendations: try list(
                identified.analysis.mood.name.sought(identified.request.want), seed: .init(job: job),
                watching: watching?.video, connection),
            version: nil, reaction: watching == nil ? nil : .unknownPerson)
    }

    private func describe(_ described: UserDescribed) async throws -> UserDescribed {
        let viewer = try await store.database.transaction { connection in
            // All at one moment.
            try store.record(of: Lock.person(described.user, connection), connection)
        }
        var described = described
        described.viewer = viewer
        return described
    }

    /// Erases one person after the other, each in a transaction of its own: nobody waits for the second while holding the first.
    private func erase(_ request: ErasureRequested) async throws -> ErasureRequested {
        var (users, known) = (request.users, request.known)
        for user in request.users {
            let isKnown = known.contains(user)
            let erased = try await store.database.transaction { connection in
                _ = try Lock.person(user, connection)
                return try store.erase(user, isKnown: isKnown, connection)
            }
            known += erased.filter { !known.contains($0) }
            users += erased.filter { !users.contains($0) }
        }
        return ErasureRequested(users: users, known: known)
    }

    private func merge(_ merged: UsersMerged) async throws -> UsersMerged {
        try await store.database.transaction { connection in try store.merge(merged, connection) }
        return merged
    }

    private func list(_ request: UserRequested) async throws -> RecommendationsListed {
        let (recommendations, version) = try await store.database.transaction { connection in
            let user = try Lock.person(request.user, connection)
            let mood = try known(user, connection)
            return try list(
                for: user, mood.sought(request.want), isChanged: false, wantsCollaborative: true, watching: nil,
                connection)
        }
        return RecommendationsListed(user: request.user, recommendations: recommendations, version: version)
    }

    private func click(_ click: VideoClicked, _ job: JobID) async throws -> ClickRecorded {
        try await store.database.transaction { connection in
            let user = try Lock.person(click.user, connection)
            try known(user, click.video, connection)
            let change = try store.click(user, click.video, job: job, connection)
            guard change != .none else { return }
            let history = try History(of: user, weights: store.weights, connection)
            try store.changed(user, history: history, store.models.current(connection)?.model, connection)
            if change == .choice { try store.count(click.video, connection) }
        }
        return ClickRecorded(user: click.user, video: click.video)
    }

    private func hear(_ feedback: FeedbackGiven, said: Date) async throws -> FeedbackGiven {
        return try await store.database.transaction { connection in
            let user = try Lock.person(feedback.user, connection)
            try known(user, feedback.video, connection)
            let (isChanged, choices) = try store.say(feedback.kind, of: feedback.video, user, said: said, connection)
            guard isChanged else { return feedback }
            let history = try History(of: user, weights: store.weights, connection)
            try store.changed(user, history: history, store.models.current(connection)?.model, connection)
            if choices != 0 { try store.count(feedback.video, by: choices, connection) }
            return feedback
        }
    }

    private func known(_ user: UserID, _ video: VideoID, _ connection: isolated Connection) throws {
        _ = try known(user, connection)
        guard try store.isKnown(video, connection) else {
            throw Failure(.unknownVideo, "No video \(video) was ever recommended.", stage: .recommender)
        }
    }

    /// The mood of a user that something is known of.
    private func known(_ user: UserID, _ connection: isolated Connection) throws -> MoodName {
        guard let mood = try store.mood(of: user, connection) else {
            throw Failure(.unknownUser, "There is no user \(user).", stage: .recommender)
        }
        return mood
    }

    // MARK: Lists

    /// Six for a user, and the version that the collaborative ones come from; none where the gate found popularity better, whose
    /// videos then take their place.
    private func list(
        for user: UserID, _ mood: MoodName, isChanged: Bool, wantsCollaborative: Bool, watching: VideoID?,
        _ connection: isolated Connection
    ) throws -> ([Recommendation], Int?) {
        let history = try History(of: user, weights: store.weights, connection)
        let current = try store.models.current(connection)
        if isChanged { try store.changed(user, history: history, current?.model, connection) }

        var list = Shortlist(excluding: history.seen.union(watching.map { [$0] } ?? []))
        let version = current.flatMap { $0.isRefused ? nil : $0.model.version }
        if wantsCollaborative, let (model, isRefused) = current {
            if isRefused {
                // What the gate measured: they do better than the version's rows.
                list.append(
                    try store.popular(Shortlist.collaborative, excluding: list.taken, connection), from: .popular)
            } else {
                let top = try store.top(user, version: model.version, connection).filter {
                    !list.taken.contains($0.video.id)
                }
                .prefix(Shortlist.collaborative)
                let because = try model.because(top.map(\.video.id), history: history)
                list.append(Array(top), from: .collaborative, because: because)
            }
        }
        try fill(&list, mood, seed: .init(user: user, day: Date()), history, watching: watching, connection)
        return (list.recommendations, version)
    }

    /// Six for somebody nothing is known of.
    private func list(
        _ mood: MoodName, seed: MoodSearch.Seed, watching: VideoID?, _ connection: isolated Connection
    ) throws -> [Recommendation] {
        var list = Shortlist(excluding: watching.map { [$0] } ?? [])
        try fill(&list, mood, seed: seed, History(), watching: watching, connection)
        return list.recommendations
    }

    /// Fills a list by mood, then by popularity, then by what was seen longest ago.
    private func fill(
        _ list: inout Shortlist, _ mood: MoodName, seed: MoodSearch.Seed, _ history: History, watching: VideoID?,
        _ connection: isolated Connection
    ) throws {
        let words = keywords[mood]
        let fromYouTube = asksYouTube ? try store.found(words, connection) : [:]
        let fromCatalogue = words.map { catalogue.search($0, mood: mood) }
        for found in [words.compactMap { fromYouTube[$0] }, fromCatalogue] where !list.isFull {
            let videos = MoodSearch.choose(list.missing, from: found, seed: seed, excluding: list.taken)
            let rank = list.recommendations.count
            list.append(
                videos.enumerated().map { Scored(video: $1, score: 1 / Float(rank + $0 + 1)) }, from: .mood)
        }
        if !list.isFull {
            list.append(try store.popular(list.missing, excluding: list.taken, connection), from: .popular)
        }
        if !list.isFull {
            list.readmit(history.seen.subtracting(history.refused), but: watching)
            list.append(
                history.entries.map { Scored(video: Video(id: $0.video, title: $0.title), score: 0) }, from: .popular)
        }
    }
}
