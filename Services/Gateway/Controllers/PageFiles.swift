import Digest
import FoundationEssentials
import HTTPTypes
package import Hummingbird
import NIOCore

/// The page, its files and the API's description, built into the program.
package enum PageFiles {
    /// One file, with the tag that changes when its bytes do.
    package struct File: Sendable {
        package var type: String
        package var bytes: [UInt8]
        package var tag: String
        /// The bytes as they are sent to whoever takes gzip; nil where that saves nothing.
        private let compressed: [UInt8]?

        init(_ type: String, _ bytes: [UInt8]) {
            self.type = type
            self.bytes = bytes
            tag = bytes.withUnsafeBytes(SHA256.hash).hexadecimal(bytes: 12)
            let smaller = Gzip.compressed(bytes)
            compressed = smaller.count < bytes.count * 9 / 10 ? smaller : nil
        }

        /// The file, or 304 for a client that has it.
        package func response(to request: Request) -> Response {
            let sent = Gzip.isAccepted(by: request) ? compressed : nil
            let tag = sent == nil ? "\"\(tag)\"" : "\"\(tag)-gzip\""
            var headers: HTTPFields = [.eTag: tag, .cacheControl: "no-cache"]
            if compressed != nil { headers[.vary] = "Accept-Encoding" }
            let known = request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.map(\.trimmed)
            if known.contains(where: { $0 == "*" || $0 == tag || $0 == "W/\(tag)" }) {
                return Response(status: .notModified, headers: headers)
            }
            headers[.contentType] = type
            if sent != nil { headers[.contentEncoding] = "gzip" }
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: sent ?? bytes)))
        }
    }

    package static let page = File("text/html; charset=utf-8", composed.html)
    package static let description = File("application/yaml", PackageResources.openapi_yaml)

    package static let composed = ComposedPage(
        html: PackageResources.index_html, style: PackageResources.page_css,
        modules: [
            "about.js": PackageResources.about_js,
            "camera.js": PackageResources.camera_js,
            "cover.js": PackageResources.cover_js,
            "de.js": PackageResources.de_js,
            "dialogs.js": PackageResources.dialogs_js,
            "dom.js": PackageResources.dom_js,
            "en.js": PackageResources.en_js,
            "entrances.js": PackageResources.entrances_js,
            "es.js": PackageResources.es_js,
            "farewell.js": PackageResources.farewell_js,
            "language.js": PackageResources.language_js,
            "looking.js": PackageResources.looking_js,
            "memory.js": PackageResources.memory_js,
            "mood.js": PackageResources.mood_js,
            "opinions.js": PackageResources.opinions_js,
            "page.js": PackageResources.page_js,
            "picks.js": PackageResources.picks_js,
            "picture.js": PackageResources.picture_js,
            "player.js": PackageResources.player_js,
            "portrait.js": PackageResources.portrait_js,
            "reading.js": PackageResources.reading_js,
            "report.js": PackageResources.report_js,
            "service.js": PackageResources.service_js,
            "stage.js": PackageResources.stage_js,
            "timeline.js": PackageResources.timeline_js,
            "videos.js": PackageResources.videos_js,
            "words.js": PackageResources.words_js,
        ])

    /// By the name under `/page/`.
    package static let parts: [String: File] = [
        "mien.webmanifest": File("application/manifest+json", PackageResources.mien_webmanifest),
        "icon-192.png": File("image/png", PackageResources.icon_192_png),
        "icon-512.png": File("image/png", PackageResources.icon_512_png),
        "inter.woff2": File("font/woff2", PackageResources.inter_woff2),
        "icon.svg": File("image/svg+xml", PackageResources.icon_svg),
        "astronaut.jpg": File("image/jpeg", PackageResources.astronaut_jpg),
    ]
}
