package import CSV
import Foundation
package import ImplicitALS

/// Ratings from a file of users, items, counts and times, with the names that users and items have there.
package struct RatingsFile: Sendable {
    /// Why a file is none. Lines count from 1.
    package enum InvalidFile: Error, Equatable, CustomStringConvertible {
        case unreadable(String)
        /// No UTF-8, or quotes that don't fit.
        case malformed(CSV.Malformed)
        /// The encoding that a byte order mark names.
        case encoding(String)
        /// The first line names columns, and not the ones that are wanted.
        case unknownColumns([String])
        /// There is no column of this name or number.
        case noColumn(String)
        /// A line with another number of columns than the first: how many, how many it should have.
        case columns(line: Int, found: Int, wanted: Int)
        case emptyName(line: Int)
        case count(line: Int, String)
        case time(line: Int, String)
        case empty

        package var description: String {
            switch self {
            case .unreadable(let path): "The file \(path) cannot be read."
            case .malformed(let error): error.description
            case .encoding(let name): "The file is \(name) (line 1 begins with its mark): save it as UTF-8."
            case .unknownColumns(let names):
                """
                Line 1 holds \(names.joined(separator: " | ")): which of these is what? Say so by --columns \
                user=NAME,item=NAME,count=NAME,time=NAME; count and time may be left out, and numbers stand for columns \
                without names.
                """
            case .noColumn(let name): "There is no column \(name) in line 1."
            case .columns(let line, let found, let wanted):
                "Line \(line) has \(found == 1 ? "one column" : "\(found) columns") where line 1 has \(wanted)."
            case .emptyName(let line): "Line \(line) names no user or no item."
            case .count(let line, let text): "\"\(text)\" in line \(line) is no count of zero or more."
            case .time(let line, let text):
                "\"\(text)\" in line \(line) is no time: neither a number nor a date as in 2026-11-27 18:20:05."
            case .empty: "The file has no ratings above zero."
            }
        }
    }

    /// What a user made of an item: everything the file says of the two, summed up.
    private struct Entry {
        var user: Int32
        var item: Int32
        var value: Float
        /// The last line about them, and its time.
        var line: Int32
        var time: Double
    }

    /// In the order of their first appearance.
    package private(set) var users: [String] = []
    package private(set) var items: [String] = []
    /// By user and item, each pair once.
    private var entries: [Entry] = []

    /// Reads a file, or standard input where the path is `-`.
    package init(path: String, columns: RatingsColumns? = nil) throws(InvalidFile) {
        let data =
            path == "-"
            ? try? FileHandle.standardInput.readToEnd() ?? Data() : FileManager.default.contents(atPath: path)
        guard let data else { throw .unreadable(path) }
        try self.init(csv: Array(data), columns: columns)
    }

    /// Reads the file's bytes: values divided by commas, semicolons, tabs or `::`. The first line may name the columns. A count
    /// that is left out is 1, and a line with a count of 0 says nothing; what a file says of a user's item several times is
    /// summed.
    package init(csv bytes: [UInt8], columns: RatingsColumns? = nil) throws(InvalidFile) {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { throw .encoding("UTF-16") }
        var records = CSV(bytes, delimiter: CSV.delimiter(of: bytes))
        guard let first = try Self.next(&records) else { throw .empty }
        let layout = try Self.layout(first.fields, columns)
        var userIndices: [String: Int32] = [:]
        var itemIndices: [String: Int32] = [:]
        var record = layout.isHeader ? try Self.next(&records) : first
        while let (line, fields) = record.map({ ($0.line, $0.fields) }) {
            record = try Self.next(&records)
            guard fields.count <= layout.width, fields.count > max(layout.user, layout.item) else {
                throw .columns(line: line, found: fields.count, wanted: layout.width)
            }
            let (user, item) = (fields[layout.user].trimmed, fields[layout.item].trimmed)
            guard !user.isEmpty, !item.isEmpty else { throw .emptyName(line: line) }
            let (value, time) = (try layout.value(fields, line), try layout.moment(fields, line))
            guard value > 0 else { continue }
            entries.append(
                Entry(
                    user: Self.index(user, &userIndices, &users), item: Self.index(item, &itemIndices, &items),
                    value: value, line: Int32(line), time: time ?? 0))
        }
        guard !entries.isEmpty else { throw .empty }
        sumUp()
    }

    private static func next(_ records: inout CSV) throws(InvalidFile) -> CSV.Record? {
        do throws(CSV.Malformed) { return try records.next() } catch { throw .malformed(error) }
    }

    private static func layout(
        _ first: [String], _ columns: RatingsColumns?
    ) throws(InvalidFile) -> RatingsLayout {
        do throws(RatingsLayout.Unclear) {
            return if let columns { try RatingsLayout(columns, first: first) } else { try RatingsLayout(first: first) }
        } catch {
            switch error {
            case .names(let names): throw .unknownColumns(names)
            case .missing(let column): throw .noColumn(column)
            }
        }
    }

    /// Makes one entry of all about a user and an item, and sorts them.
    private mutating func sumUp() {
        entries.sort { ($0.user, $0.item, $0.line) < ($1.user, $1.item, $1.line) }
        var last = 0
        for next in entries.indices.dropFirst() {
            if entries[next].user == entries[last].user, entries[next].item == entries[last].item {
                entries[last].value += entries[next].value
                entries[last].line = entries[next].line
                entries[last].time = max(entries[last].time, entries[next].time)
            } else {
                last += 1
                entries[last] = entries[next]
            }
        }
        entries.removeLast(entries.count - last - 1)
    }

    /// All of it.
    package var ratings: Ratings { ratings(of: entries) }

    /// Divided as `holdOut` says; the same seed gives the same division. Throws `EngineError.nobodyHeldBack` where nobody has
    /// enough for it.
    package func split(_ holdOut: HoldOut, seed: UInt64) throws(EngineError) -> RankingEvaluation {
        var random = SplitMix64(seed: seed)
        var (training, heldBack) = ([Entry](), [Entry]())
        var begin = entries.startIndex
        while begin < entries.endIndex {
            let end = entries[begin...].firstIndex { $0.user != entries[begin].user } ?? entries.endIndex
            let all = entries[begin..<end]
            let (ordered, count) =
                switch holdOut {
                case .last: (all.sorted { ($0.time, $0.line) < ($1.time, $1.line) }, all.count > 1 ? 1 : 0)
                case .fifth: (all.shuffled(using: &random), all.count / 5)
                }
            training += ordered.dropLast(count)
            heldBack += ordered.suffix(count)
            begin = end
        }
        guard !heldBack.isEmpty else { throw .nobodyHeldBack }
        return RankingEvaluation(training: ratings(of: training), heldBack: rows(of: heldBack))
    }

    /// This file to train on and another to be found. Its users that this one lacks are left out; its items that this one lacks
    /// stay, as such that no list can hold. Throws `EngineError.nobodyHeldBack` where the two have no user in common.
    package func evaluation(heldBack: RatingsFile) throws(EngineError) -> RankingEvaluation {
        let userIndices = Dictionary(uniqueKeysWithValues: zip(users, Int32(0)...))
        let itemIndices = Dictionary(uniqueKeysWithValues: zip(items, Int32(0)...))
        let known = heldBack.entries.compactMap { entry -> Entry? in
            guard let user = userIndices[heldBack.users[Int(entry.user)]] else { return nil }
            var entry = entry
            entry.item = itemIndices[heldBack.items[Int(entry.item)]] ?? Int32(items.count) + entry.item
            entry.user = user
            return entry
        }
        guard !known.isEmpty else { throw .nobodyHeldBack }
        return RankingEvaluation(training: ratings, heldBack: rows(of: known))
    }

    private func ratings(of entries: [Entry]) -> Ratings {
        Ratings(byUser: rows(of: entries), items: items.count)
    }

    private func rows(of entries: [Entry]) -> SparseRows {
        var builder = SparseRows.Builder(capacity: entries.count)
        for entry in entries.sorted(by: { ($0.user, $0.item) < ($1.user, $1.item) }) {
            builder.append(row: Int(entry.user), column: Int(entry.item), value: entry.value)
        }
        return builder.build(rows: users.count)
    }

    private static func index(_ name: String, _ indices: inout [String: Int32], _ names: inout [String]) -> Int32 {
        if let index = indices[name] { return index }
        let index = Int32(names.count)
        indices[name] = index
        names.append(name)
        return index
    }
}

extension RatingsLayout {
    /// How much a line says that the item was enjoyed; 1 where it does not say.
    fileprivate func value(_ fields: [String], _ line: Int) throws(RatingsFile.InvalidFile) -> Float {
        guard let count, count < fields.count else { return 1 }
        guard let value = Float(fields[count].trimmed), value >= 0, value.isFinite else {
            throw .count(line: line, fields[count])
        }
        return value
    }

    /// When that was, where a column says so.
    fileprivate func moment(_ fields: [String], _ line: Int) throws(RatingsFile.InvalidFile) -> Double? {
        guard let time, time < fields.count else { return nil }
        guard let moment = Timestamp(fields[time]) else { throw .time(line: line, fields[time]) }
        return moment.value
    }
}
