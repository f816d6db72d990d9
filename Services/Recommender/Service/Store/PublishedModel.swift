import Database
import FoundationEssentials
package import ImplicitALS
package import Messages
import Processor

/// The current version's item vectors, by video: what a new rating is folded into at once.
package struct PublishedModel: Sendable {
    package let version: Int
    package let videos: [VideoID]
    package let model: ItemModel
    private let indices: [VideoID: Int]

    package init(version: Int, videos: [VideoID], model: ItemModel) {
        self.version = version
        self.videos = videos
        self.model = model
        indices = Dictionary(uniqueKeysWithValues: zip(videos, videos.indices))
    }

    /// The ratings that the model knows the videos of.
    func ratings(_ history: History) -> [(item: Int, value: Float)] {
        history.entries.compactMap { entry in
            guard entry.rating > 0, let item = indices[entry.video] else { return nil }
            return (item, entry.rating)
        }
    }

    /// The best unseen videos for a person, at most `limit`.
    func top(_ limit: Int, for history: History) throws -> [RankedItem] {
        let vector = try model.foldIn(ratings(history))
        return model.top(limit, for: vector, excluding: Set(history.entries.compactMap { indices[$0.video] }))
    }

    /// For each of `recommended` the rated videos that contributed most, three at most, those that speak against it left out.
    func because(_ recommended: [VideoID], history: History) throws -> [VideoID: [NamedVideo]] {
        let known = recommended.compactMap { video in indices[video].map { (video, $0) } }
        let lists = try model.contributions(to: known.map(\.1), ratings: ratings(history))
        let titles = Dictionary(uniqueKeysWithValues: history.entries.map { ($0.video, $0.title) })
        return Dictionary(
            uniqueKeysWithValues: zip(known, lists).map { known, list in
                (
                    known.0,
                    list.prefix(3).filter { $0.score > 0 }.map { rated in
                        NamedVideo(videos[rated.item], title: titles[videos[rated.item]] ?? "")
                    }
                )
            })
    }
}

extension Factors {
    /// Reads what `littleEndian` wrote; `nil` when that is no whole number of rows.
    init?(rank: Int, littleEndian data: Data) {
        guard data.count.isMultiple(of: 4 * rank) else { return nil }
        self.init(rank: rank, values: data.withUnsafeBytes([Float].init(littleEndian:)))
    }

    /// Four bytes a number, row after row.
    var littleEndian: Data { Data(values.littleEndian) }
}
