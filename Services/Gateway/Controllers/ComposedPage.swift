import Digest
import FoundationEssentials

/// The page as one answer: `index.html` with its style and its modules inside, so that a browser far away waits once.
///
/// Modules are joined by leaving out their imports and the word `export`. That works where whatever is imported keeps its name and no
/// two modules call anything the same, which the page's tests would notice: they run the joined page.
package struct ComposedPage: Sendable {
    package let html: [UInt8]
    /// By which a content security policy allows the script and the style, and nothing else: `sha256-…`.
    package let scriptHash: String
    package let styleHash: String

    init(html: [UInt8], style: [UInt8], modules: [String: [UInt8]]) {
        var seen: Set<String> = []
        let style = "\n" + String(decoding: style, as: UTF8.self)
        let script = "\n" + Self.joined("page.js", of: modules, seen: &seen)
        self.html = Array(
            String(decoding: html, as: UTF8.self)
                .replacing(#"<link rel="stylesheet" href="page.css">"#, with: "<style>\(style)</style>")
                .replacing(
                    #"<script type="module" src="page.js"></script>"#,
                    with: "<script type=\"module\">\(script)</script>"
                )
                .utf8)
        (scriptHash, styleHash) = (Self.hash(script), Self.hash(style))
    }

    /// A module and, before it, those that it imports, each once.
    private static func joined(_ name: String, of modules: [String: [UInt8]], seen: inout Set<String>) -> String {
        guard seen.insert(name).inserted, let module = modules[name] else { return "" }
        var (imported, own) = ("", "")
        for line in String(decoding: module, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast()
        {
            if line.hasPrefix("import ") {
                // import { … } from "./name.js";
                imported += joined(String(line.split(separator: "\"")[1].dropFirst(2)), of: modules, seen: &seen)
            } else {
                own += line.hasPrefix("export ") ? line.dropFirst(7) : line
                own += "\n"
            }
        }
        return imported + own
    }

    private static func hash(_ text: String) -> String {
        "sha256-" + Data(Array(text.utf8).withUnsafeBytes(SHA256.hash).bytes).base64EncodedString()
    }
}
