import Foundation
import Testing

@testable import Operations

/// One list of settings, in code, in docs/settings.md and in what the services read.
@Suite struct SettingKeyTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private var listed: Set<String> { Set(SettingKey.all.map(\.name)) }

    /// `broker.host`, `.port` of a table's first column are broker.host and broker.port.
    @Test func docsHaveEachOnce() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/settings.md"), encoding: .utf8)
        var documented: [String] = []
        for row in text.split(separator: "\n") where row.hasPrefix("| `") {
            var group = Substring()
            for match in row.split(separator: "|")[0].matches(of: /`([^`]+)`/) {
                let name = match.output.1
                if name.hasPrefix(".") {
                    documented.append("\(group)\(name)")
                } else {
                    group = name[..<(name.firstIndex(of: ".") ?? name.endIndex)]
                    documented.append(String(name))
                }
            }
        }
        #expect(documented.sorted() == listed.sorted())
    }

    @Test func servicesReadEach() throws {
        var read: Set<String> = ["mien.config", "secrets.directory"]
        for folder in ["Services", "Shared"] {
            let files = try #require(
                FileManager.default.enumerator(
                    at: Self.root.appending(path: folder), includingPropertiesForKeys: nil))
            for case let file as URL in files where file.pathExtension == "swift" {
                let source = try String(contentsOf: file, encoding: .utf8)
                for match in source.matches(
                    of: /\.(?:text|secret|integer|number|flag|duration|choice)\(\s*"([a-z]+\.[A-Za-z]+)"/)
                {
                    read.insert(String(match.output.1))
                }
            }
        }
        #expect(read.union(listed.filter { $0.hasPrefix("keywords.") }) == listed)
    }
}
