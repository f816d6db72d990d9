import Database
import FoundationEssentials
import ImplicitALS
import Messages
import Synchronization

/// Keeps the current version's model in memory and reads it again when the version has changed.
package final class ModelCache: Sendable {
    private let cached = Mutex<PublishedModel?>(nil)

    package init() {}

    /// The current version's model, and whether popularity is known to do better; `nil` before the first version. The caller
    /// holds the publication lock.
    ///
    /// A version that somebody pinned is what they want, whatever the gate said last.
    func current(_ connection: isolated Connection) throws -> (model: PublishedModel, isRefused: Bool)? {
        let rows = try connection.query(
            """
            SELECT number, parameters,
                pinned_at IS NULL AND EXISTS (SELECT FROM recommender.batch WHERE refusal IS NOT NULL) AS refused
            FROM recommender.versions WHERE current
            """)
        guard let row = rows.first else { return nil }
        return (try model(row, connection), try row.decode("refused"))
    }

    private func model(_ row: Row, _ connection: isolated Connection) throws -> PublishedModel {
        let version: Int = try row.decode("number")
        if let model = cached.withLock({ $0 }), model.version == version { return model }
        let parameters = try JSONDecoder().decode(
            TrainingParameters.self, from: try row.decode("parameters", as: Data.self))
        let model = try Self.read(version, parameters.objective, rank: parameters.rank, connection)
        cached.withLock { $0 = model }
        return model
    }

    /// The model of a version that is kept.
    static func read(
        _ version: Int, _ objective: Objective, rank: Int, _ connection: isolated Connection
    ) throws -> PublishedModel {
        let rows = try connection.query(
            "SELECT videos, factors FROM recommender.models WHERE version = $1", .integer(version))
        guard let row = rows.first else { throw DatabaseError.decoding("version \(version) has no model") }
        let videos = try row.decode("videos", as: [String].self).compactMap { VideoID($0) }
        let factors = Factors(rank: rank, littleEndian: try row.decode("factors", as: Data.self))
        guard let factors, factors.count == videos.count else {
            throw DatabaseError.decoding("the model of version \(version) is incomplete")
        }
        return PublishedModel(version: version, videos: videos, model: ItemModel(items: factors, objective: objective))
    }
}
