package import AsyncHTTPClient
import Messages
import NIOCore
import NIOHTTP1

/// Asks YouTube's oEmbed, which needs no key, whether videos are still there and may be embedded.
package struct CatalogueCheck: Sendable {
    /// What oEmbed says of a video.
    package enum Verdict: Sendable, Hashable {
        case embeddable
        /// 401 or 403: there, but not to be shown elsewhere.
        case notEmbeddable
        /// 400 or 404: gone, or private.
        case missing
        /// No clear answer; the text says what happened.
        case unknown(String)
    }

    private let url: String
    private let client: HTTPClient

    /// `url` is `https://www.youtube.com/oembed`, or a stand-in's.
    package init(url: String, client: HTTPClient) {
        self.url = url
        self.client = client
    }

    /// One question, answered within ten seconds.
    package func ask(about video: Video) async -> Verdict {
        let address = video.id.url.replacing(":", with: "%3A").replacing("/", with: "%2F").replacing("?", with: "%3F")
            .replacing("=", with: "%3D")
        do {
            let response = try await client.execute(
                HTTPClientRequest(url: "\(url)?format=json&url=\(address)"), timeout: .seconds(10))
            _ = try await response.body.collect(upTo: 1 << 20)
            return switch response.status.code {
            case 200: .embeddable
            case 401, 403: .notEmbeddable
            case 400, 404: .missing
            default: .unknown("status \(response.status.code)")
            }
        } catch {
            return .unknown("\(error)")
        }
    }
}
