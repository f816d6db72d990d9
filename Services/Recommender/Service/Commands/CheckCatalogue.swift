import ArgumentParser
import AsyncHTTPClient

/// Asks YouTube about each video of the catalogue.
struct CheckCatalogue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask YouTube's oEmbed whether each video of the catalogue is there and may be embedded.",
        discussion:
            "Prints those that are not and a sum; exits with 1 when there are any, with 2 when YouTube can't be reached."
    )

    @Option(help: "Where oEmbed is.") var url = "https://www.youtube.com/oembed"

    func run() async throws {
        let check = CatalogueCheck(url: url, client: .shared)
        var counts: [String: Int] = [:]
        for entry in try Catalogue.bundled().entries {
            let verdict = await check.ask(about: entry.video)
            let (name, detail) =
                switch verdict {
                case .embeddable: ("embeddable", "")
                case .notEmbeddable: ("not embeddable", "")
                case .missing: ("missing", "")
                case .unknown(let reason): ("unknown", ": \(reason)")
                }
            counts[name, default: 0] += 1
            if verdict != .embeddable { print("\(entry.video.id)  \(name)\(detail)  \(entry.video.title)") }
            // Without a network every question ends the same way.
            if counts == ["unknown": 3] {
                print("YouTube cannot be reached.")
                throw ExitCode(2)
            }
        }
        print(counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        if counts.keys.contains("missing") || counts.keys.contains("not embeddable") { throw ExitCode(1) }
        if counts.keys.contains("unknown") { throw ExitCode(2) }
    }
}
