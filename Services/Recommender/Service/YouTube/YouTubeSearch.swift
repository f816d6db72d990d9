package import AsyncHTTPClient
import FoundationEssentials
import Messages
import NIOCore
import NIOHTTP1

/// The search of the YouTube Data API v3: videos for a keyword, such as may be embedded.
package struct YouTubeSearch: Sendable {
    /// Why there is no answer.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// The day's units are used up, or too many questions came at once.
        case quota
        /// The key is not accepted.
        case key
        /// Any other answer but 200.
        case status(Int)
        /// No answer, or not in time; the text says what happened.
        case unreachable(String)
        /// An answer that is not what the API documents.
        case unreadable

        package var description: String {
            switch self {
            case .quota: "YouTube's quota is used up."
            case .key: "YouTube does not accept the key."
            case .status(let code): "YouTube answered \(code)."
            case .unreachable(let reason): "YouTube could not be reached: \(reason)"
            case .unreadable: "YouTube's answer could not be read."
            }
        }
    }

    /// An answer is 25 results long at most: some 20 KB.
    private static let answerLimit = 1 << 20

    private let key: String
    private let url: String
    private let client: HTTPClient
    private let timeout: Duration

    /// `url` is the API's root, `https://www.googleapis.com/youtube/v3`, or a stand-in's.
    package init(key: String, url: String, client: HTTPClient, timeout: Duration) {
        self.key = key
        self.url = url
        self.client = client
        self.timeout = timeout
    }

    /// At most 25 videos, most relevant first. One call costs 100 units of the key's day.
    package func videos(for query: String) async throws(Failure) -> [Video] {
        let parameters = [
            ("part", "snippet"), ("type", "video"), ("videoEmbeddable", "true"), ("safeSearch", "moderate"),
            ("maxResults", "25"), ("q", query),
        ]
        let encoded = parameters.map { "\($0)=\(Self.percentEncoded($1))" }.joined(separator: "&")
        var request = HTTPClientRequest(url: "\(url)/search?\(encoded)")
        // In a header, so that no URL with the key in it reaches a log.
        request.headers.add(name: "X-Goog-Api-Key", value: key)
        request.headers.add(name: "Accept", value: "application/json")
        let status: HTTPResponseStatus
        let body: ByteBuffer
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            status = response.status
            body = try await response.body.collect(upTo: Self.answerLimit)
        } catch {
            throw .unreachable("\(error)")
        }
        let data = Data(body.readableBytesView)
        switch status.code {
        case 200: return try Self.videos(in: data)
        case 403, 429:
            let reason = (try? JSONDecoder().decode(ErrorAnswer.self, from: data))?.error.errors?.first?.reason
            let isQuota = status.code == 429 || reason.map { $0.contains("uota") || $0.contains("ateLimit") } ?? false
            throw isQuota ? .quota : .key
        case 400, 401: throw .key
        default: throw .status(Int(status.code))
        }
    }

    /// The videos of an answer's body; results that are not videos are passed over.
    static func videos(in data: Data) throws(Failure) -> [Video] {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: data) else { throw .unreadable }
        return answer.items.compactMap { item in
            guard let text = item.id.videoId, let id = VideoID(text), let title = item.snippet?.title, !title.isEmpty
            else {
                return nil
            }
            return Video(id: id, title: unescaped(title))
        }
    }

    /// The API escapes titles for HTML; they are wanted as text.
    private static func unescaped(_ text: String) -> String {
        [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")].reduce(text) {
            $0.replacing($1.0, with: $1.1)
        }
    }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                encoded.append(Character(UnicodeScalar(byte)))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
    }

    private struct Answer: Decodable {
        struct Item: Decodable {
            struct ID: Decodable { var videoId: String? }
            struct Snippet: Decodable { var title: String? }
            var id: ID
            var snippet: Snippet?
        }
        var items: [Item]
    }

    private struct ErrorAnswer: Decodable {
        struct Body: Decodable {
            struct Reason: Decodable { var reason: String? }
            var errors: [Reason]?
        }
        var error: Body
    }
}
