import CSV
package import Messages

/// The videos that come with the service: what moods search when YouTube can't be asked.
///
/// `videos.csv` holds 281 real videos: ids, titles and channels as public files name them together (each id stands beside
/// its title in at least one), moods and keywords chosen by an editor. Nothing was added from memory. Whether one is
/// still up and may be embedded only YouTube knows: `recommender check-catalogue` asks.
package struct Catalogue: Sendable {
    /// One video and what it is searched by.
    package struct Entry: Sendable, Hashable {
        package var video: Video
        /// Who published it; empty where that is not known.
        package var channel: String
        package var moods: Set<MoodName>
        package var keywords: Set<String>
    }

    /// Why a file is no catalogue.
    package enum InvalidFile: Error, Equatable, CustomStringConvertible {
        case columns
        case record(Int)
        case duplicate(VideoID)

        package var description: String {
            switch self {
            case .columns: "The catalogue's first line must name the columns id,title,channel,moods,keywords."
            case .record(let number): "Record \(number) of the catalogue is not a video."
            case .duplicate(let id): "The catalogue lists \(id) twice."
            }
        }
    }

    /// In the file's order.
    package let entries: [Entry]
    private let indices: [VideoID: Int]
    private let byKeyword: [String: [Int]]

    /// Reads CSV with the columns id, title, channel, moods and keywords, the last two separated by semicolons.
    package init(csv: [UInt8]) throws(InvalidFile) {
        var records = CSV(csv)
        let columns = try? records.next()
        guard columns?.fields == ["id", "title", "channel", "moods", "keywords"] else { throw .columns }
        var entries: [Entry] = []
        var indices: [VideoID: Int] = [:]
        var byKeyword: [String: [Int]] = [:]
        while true {
            let number = entries.count + 1
            let record: CSV.Record?
            do throws(CSV.Malformed) { record = try records.next() } catch { throw .record(number) }
            guard let fields = record?.fields else { break }
            guard fields.count == 5, let id = VideoID(fields[0]), !fields[1].isEmpty else { throw .record(number) }
            let moods = fields[3].split(separator: ";").map { MoodName(rawValue: String($0)) }
            let keywords = fields[4].split(separator: ";").map(String.init)
            guard !moods.contains(nil), !keywords.isEmpty else { throw .record(number) }
            guard indices.updateValue(entries.count, forKey: id) == nil else { throw .duplicate(id) }
            for keyword in keywords { byKeyword[keyword, default: []].append(entries.count) }
            entries.append(
                Entry(
                    video: Video(id: id, title: fields[1]), channel: fields[2], moods: Set(moods.compactMap(\.self)),
                    keywords: Set(keywords)))
        }
        self.entries = entries
        self.indices = indices
        self.byKeyword = byKeyword
    }

    /// The one that is part of the program.
    package static func bundled() throws(InvalidFile) -> Catalogue {
        try Catalogue(csv: PackageResources.videos_csv)
    }

    package subscript(id: VideoID) -> Entry? { indices[id].map { entries[$0] } }

    /// Videos that carry the keyword, or else whose title has it as a word, in the file's order: those made for the mood,
    /// or all where none is.
    package func search(_ keyword: String, mood: MoodName) -> [Video] {
        let keyword = keyword.lowercased()
        let found = byKeyword[keyword] ?? entries.indices.filter { Self.words(of: entries[$0]).contains(keyword) }
        let fitting = found.filter { entries[$0].moods.contains(mood) }
        return (fitting.isEmpty ? found : fitting).map { entries[$0].video }
    }

    private static func words(of entry: Entry) -> [String] {
        entry.video.title.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }
}
