/// Which columns of a file of ratings hold what.
package struct RatingsColumns: Sendable, Hashable {
    /// A column by its name in the first line, or by its number from 1.
    package enum Column: Sendable, Hashable {
        case name(String)
        case number(Int)
    }

    /// What a column may hold.
    package enum Role: String, Sendable, CaseIterable {
        case user, item
        /// How much the user enjoyed the item; 1 where there is none.
        case count
        /// When that was, as `Timestamp` reads it; the order of the lines where there is none.
        case time
    }

    /// Why a text names no columns.
    package enum Invalid: Error, Equatable, CustomStringConvertible {
        case part(String)
        case missing

        package var description: String {
            switch self {
            case .part(let part):
                "\"\(part)\" is not user, item, count or time, each once, = a column's name or number."
            case .missing: "A column for the user and one for the item must be named."
            }
        }
    }

    fileprivate var columns: [Role: Column]

    /// Reads a text such as `user=userId,item=movieId,count=rating,time=timestamp` or `user=1,item=3`.
    package init(_ text: String) throws(Invalid) {
        columns = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, let role = Role(rawValue: sides[0].trimmed), columns[role] == nil else {
                throw .part(String(part))
            }
            let text = sides[1].trimmed
            let number = Int(text)
            guard !text.isEmpty, number ?? 1 > 0 else { throw .part(String(part)) }
            columns[role] = number.map { .number($0) } ?? .name(text)
        }
        guard columns[.user] != nil, columns[.item] != nil else { throw .missing }
    }
}

/// Where a file has its columns, as its first line shows.
struct RatingsLayout: Hashable {
    /// Why a first line does not show it.
    enum Unclear: Error, Equatable {
        /// It names columns, and not all that are wanted, or none that is known.
        case names([String])
        /// It lacks a column of this name or number.
        case missing(String)
    }

    private(set) var user: Int
    private(set) var item: Int
    private(set) var count: Int?
    private(set) var time: Int?
    /// How many columns there are.
    private(set) var width: Int
    /// Whether the first line names the columns and holds no rating.
    private(set) var isHeader: Bool

    /// The columns that somebody named, found in a file's first line.
    init(_ columns: RatingsColumns, first fields: [String]) throws(Unclear) {
        let names = fields.map(\.trimmed)
        var places: [RatingsColumns.Role: Int] = [:]
        var isHeader = false
        for (role, column) in columns.columns {
            switch column {
            case .number(let number):
                guard number <= fields.count else { throw .missing("\(number)") }
                places[role] = number - 1
            case .name(let name):
                guard let place = names.firstIndex(of: name) else { throw .missing(name) }
                places[role] = place
                isHeader = true
            }
        }
        self.init(places, width: fields.count, isHeader: isHeader)
    }

    /// The columns of a file's first line, by the names that such files use, or in the order user, item, count, time.
    init(first fields: [String]) throws(Unclear) {
        let names = fields.map { $0.lowercased().filter { $0.isLetter || $0.isNumber } }
        var places: [RatingsColumns.Role: Int] = [:]
        for role in RatingsColumns.Role.allCases {
            places[role] = Self.known(role).lazy.compactMap { names.firstIndex(of: $0) }.first
        }
        if places[.user] != nil, places[.item] != nil {
            self.init(places, width: fields.count, isHeader: true)
            return
        }
        let holdsNumbers = fields.dropFirst(2).allSatisfy { Float($0.trimmed) != nil || Timestamp($0) != nil }
        guard (2...4).contains(fields.count), places.isEmpty, holdsNumbers else { throw .names(fields) }
        self.init(
            Dictionary(uniqueKeysWithValues: zip(RatingsColumns.Role.allCases, fields.indices)), width: fields.count,
            isHeader: false)
    }

    private init(_ places: [RatingsColumns.Role: Int], width: Int, isHeader: Bool) {
        (user, item) = (places[.user] ?? 0, places[.item] ?? 1)
        (count, time) = (places[.count], places[.time])
        self.width = width
        self.isHeader = isHeader
    }

    /// How files name such a column, in small letters and figures alone, the likeliest first.
    private static func known(_ role: RatingsColumns.Role) -> [String] {
        switch role {
        case .user: ["user", "userid", "uid", "visitorid", "customerid", "reviewerid"]
        case .item:
            [
                "item", "itemid", "iid", "movie", "movieid", "video", "videoid", "artist", "artistid", "track",
                "trackid",
                "song", "songid", "book", "bookid", "isbn", "product", "productid", "asin",
            ]
        case .count: ["count", "rating", "value", "score", "weight", "plays", "playcount", "listens", "overall"]
        case .time: ["time", "timestamp", "unixtime", "unixreviewtime", "date", "datetime", "at"]
        }
    }
}

extension StringProtocol {
    /// Without spaces around it.
    var trimmed: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
