import Foundation

/// Ratings from a file of `user,item,count` lines, with the names that users and items have there.
package struct RatingsFile: Sendable {
    /// Why a file is none.
    package enum InvalidFile: Error, Equatable, CustomStringConvertible {
        case unreadable(String)
        case line(Int)
        case empty

        package var description: String {
            switch self {
            case .unreadable(let path): "The file \(path) cannot be read."
            case .line(let number): "Record \(number) is not user,item,count with a count of zero or more."
            case .empty: "The file has no ratings above zero."
            }
        }
    }

    private struct Entry {
        var user: Int
        var item: Int
        var value: Float
    }

    /// In the order of their first appearance.
    package private(set) var users: [String] = []
    package private(set) var items: [String] = []
    private var entries: [Entry] = []

    /// How many lines hold a count above zero.
    package var count: Int { entries.count }

    package init(path: String) throws(InvalidFile) {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path) }
        try self.init(csv: Array(data))
    }

    /// A count left out is 1; the first line may name the columns; a user's item that comes twice is summed.
    package init(csv: [UInt8]) throws(InvalidFile) {
        var userIndices: [String: Int] = [:]
        var itemIndices: [String: Int] = [:]
        var number = 0
        for fields in CSV(csv) {
            number += 1
            guard (2...3).contains(fields.count) else { throw .line(number) }
            guard let value = fields.count == 2 ? 1 : Float(fields[2]), value >= 0, value.isFinite else {
                if number == 1 { continue }
                throw .line(number)
            }
            guard value > 0 else { continue }
            if number == 1, fields.count == 2, fields == ["user", "item"] { continue }
            entries.append(
                Entry(
                    user: Self.index(fields[0], &userIndices, &users),
                    item: Self.index(fields[1], &itemIndices, &items),
                    value: value))
        }
        guard !entries.isEmpty else { throw .empty }
    }

    /// All of it.
    package var ratings: Ratings { ratings(of: entries) }

    /// Divided as `holdOut` says; the same seed gives the same division.
    package func split(_ holdOut: HoldOut, seed: UInt64) -> RankingEvaluation {
        var byUser = [[Entry]](repeating: [], count: users.count)
        for entry in entries { byUser[entry.user].append(entry) }
        var random = SplitMix64(seed: seed)
        var training: [Entry] = []
        var heldBack: [Entry] = []
        for all in byUser {
            let ordered = holdOut == .fifth ? all.shuffled(using: &random) : all
            let count = holdOut == .fifth ? all.count / 5 : (all.count > 1 ? 1 : 0)
            training += ordered.dropLast(count)
            heldBack += ordered.suffix(count)
        }
        return RankingEvaluation(training: ratings(of: training), heldBack: rows(of: heldBack))
    }

    /// This file to train on and another to be found. Its users that this one lacks are left out; its items that this one lacks
    /// stay, as such that no list can hold.
    package func evaluation(heldBack: RatingsFile) -> RankingEvaluation {
        let userIndices = Dictionary(uniqueKeysWithValues: zip(users, users.indices))
        let itemIndices = Dictionary(uniqueKeysWithValues: zip(items, items.indices))
        let known = heldBack.entries.compactMap { entry -> Entry? in
            guard let user = userIndices[heldBack.users[entry.user]] else { return nil }
            let item = itemIndices[heldBack.items[entry.item]] ?? items.count + entry.item
            return Entry(user: user, item: item, value: entry.value)
        }
        return RankingEvaluation(training: ratings, heldBack: rows(of: known))
    }

    private func ratings(of entries: [Entry]) -> Ratings {
        Ratings(byUser: rows(of: entries), items: items.count)
    }

    private func rows(of entries: [Entry]) -> SparseRows {
        var builder = SparseRows.Builder()
        for entry in entries.sorted(by: { ($0.user, $0.item) < ($1.user, $1.item) }) {
            builder.append(row: entry.user, column: entry.item, value: entry.value)
        }
        return builder.build(rows: users.count)
    }

    private static func index(_ name: String, _ indices: inout [String: Int], _ names: inout [String]) -> Int {
        if let index = indices[name] { return index }
        indices[name] = names.count
        names.append(name)
        return names.count - 1
    }
}
