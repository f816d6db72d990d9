package import Database
import FoundationEssentials
package import Logging
import Metrics

/// Keeps what YouTube finds for the moods' keywords in the database, at most a day old.
///
/// A search costs 100 of a key's 10,000 units a day, so each keyword is asked about once a day, by one of all workers, and
/// never while somebody waits for an answer. Until a keyword is there, and when YouTube doesn't answer, the catalogue is
/// searched instead.
package struct YouTubeRefresh: Sendable {
    private let search: YouTubeSearch
    private let keywords: [String]
    private let database: Database
    private let logger: Logger

    package init(search: YouTubeSearch, keywords: MoodKeywords, database: Database, logger: Logger) {
        self.search = search
        self.keywords = keywords.all
        self.database = database
        self.logger = logger
    }

    /// Asks about every keyword that is due, one after another; ends early when the quota is used up or the key refused.
    package func refresh() async throws {
        for keyword in keywords where try await claim(keyword) {
            switch await answer(to: keyword) {
            case .success(let videos):
                try await store(videos, for: keyword)
            case .failure(let failure):
                logger.warning(
                    "youtube search failed", metadata: ["youtube.query": "\(keyword)", "error": "\(failure)"])
                if failure == .quota || failure == .key { return try await postpone() }
            }
        }
    }

    private func answer(to keyword: String) async -> Result<[Video], YouTubeSearch.Failure> {
        let result: Result<[Video], YouTubeSearch.Failure>
        do throws(YouTubeSearch.Failure) {
            result = .success(try await search.videos(for: keyword))
        } catch {
            result = .failure(error)
        }
        let outcome = (try? result.get()) == nil ? "failed" : "found"
        Counter(label: "mien_youtube_searches_total", dimensions: [("outcome", outcome)]).increment()
        return result
    }

    /// Takes a keyword for this worker: true when it was found more than a day ago and not asked about for ten minutes.
    private func claim(_ keyword: String) async throws -> Bool {
        let rows = try await database.query(
            """
            INSERT INTO recommender.youtube (query, asked_at) VALUES ($1, now())
            ON CONFLICT (query) DO UPDATE SET asked_at = now()
                WHERE coalesce(youtube.found_at < now() - interval '1 day', true)
                    AND youtube.asked_at < now() - interval '10 minutes'
            """, .text(keyword))
        return rows.affected > 0
    }

    private func store(_ videos: [Video], for keyword: String) async throws {
        try await database.transaction { connection in
            try Store.add(Array(Set(videos)), connection)
            try connection.query(
                "UPDATE recommender.youtube SET found_at = now(), videos = $2 WHERE query = $1", .text(keyword),
                .json(try JSONEncoder().encode(videos)))
        }
    }

    /// Lets every keyword that is due wait for an hour.
    private func postpone() async throws {
        try await database.query(
            """
            INSERT INTO recommender.youtube (query, asked_at) SELECT query, now() + interval '50 minutes'
            FROM unnest($1) AS query
            ON CONFLICT (query) DO UPDATE SET asked_at = excluded.asked_at
            """, .texts(keywords))
    }
}
