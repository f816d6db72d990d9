/// A video and what it is called.
package struct NamedVideo: Hashable, Sendable {
    package var videoId: VideoID
    package var title: String

    package init(_ video: VideoID, title: String) {
        videoId = video
        self.title = title
    }
}

extension NamedVideo: Codable {
    private enum CodingKeys: CodingKey {
        case videoId, title
    }

    package init(from decoder: any Decoder) throws {
        // Earlier builds kept answers with the id alone.
        if let video = try? decoder.singleValueContainer().decode(VideoID.self) {
            self.init(video, title: video.rawValue)
        } else {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                try container.decode(VideoID.self, forKey: .videoId),
                title: try container.decode(String.self, forKey: .title))
        }
    }
}
