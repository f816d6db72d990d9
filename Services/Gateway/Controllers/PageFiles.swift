import Crypto
import FoundationEssentials
import HTTPTypes
package import Hummingbird
import NIOCore

/// The page's files and the API's description, built into the program.
package enum PageFiles {
    /// One file, with the tag that changes when its bytes do.
    package struct File: Sendable {
        package var type: String
        package var bytes: [UInt8]
        package var tag: String

        init(_ type: String, _ bytes: [UInt8]) {
            self.type = type
            self.bytes = bytes
            tag =
                "\""
                + SHA256.hash(data: bytes).prefix(12).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
                .joined() + "\""
        }

        /// The file, or 304 for a client that has it.
        package func response(to request: Request) -> Response {
            var headers: HTTPFields = [.eTag: tag, .cacheControl: "no-cache"]
            let known = request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.map(\.trimmed)
            if known.contains(where: { $0 == "*" || $0 == tag || $0 == "W/\(tag)" }) {
                return Response(status: .notModified, headers: headers)
            }
            headers[.contentType] = type
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        }
    }

    package static let page = File("text/html; charset=utf-8", PackageResources.index_html)
    package static let description = File("application/yaml", PackageResources.openapi_yaml)

    /// By the name under `/page/`.
    package static let parts: [String: File] = [
        "page.css": File("text/css; charset=utf-8", PackageResources.page_css),
        "icon.svg": File("image/svg+xml", PackageResources.icon_svg),
        "astronaut.jpg": File("image/jpeg", PackageResources.astronaut_jpg),
        "camera.js": script(PackageResources.camera_js),
        "cover.js": script(PackageResources.cover_js),
        "dialogs.js": script(PackageResources.dialogs_js),
        "dom.js": script(PackageResources.dom_js),
        "entrances.js": script(PackageResources.entrances_js),
        "farewell.js": script(PackageResources.farewell_js),
        "looking.js": script(PackageResources.looking_js),
        "memory.js": script(PackageResources.memory_js),
        "page.js": script(PackageResources.page_js),
        "picks.js": script(PackageResources.picks_js),
        "picture.js": script(PackageResources.picture_js),
        "player.js": script(PackageResources.player_js),
        "portrait.js": script(PackageResources.portrait_js),
        "reading.js": script(PackageResources.reading_js),
        "report.js": script(PackageResources.report_js),
        "service.js": script(PackageResources.service_js),
        "stage.js": script(PackageResources.stage_js),
        "timeline.js": script(PackageResources.timeline_js),
        "videos.js": script(PackageResources.videos_js),
        "words.js": script(PackageResources.words_js),
    ]

    private static func script(_ bytes: [UInt8]) -> File { File("text/javascript; charset=utf-8", bytes) }
}
