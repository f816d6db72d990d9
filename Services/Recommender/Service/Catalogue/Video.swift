package import Messages

/// A video that can be recommended.
package struct Video: Sendable, Hashable, Codable {
    package var id: VideoID
    package var title: String

    package init(id: VideoID, title: String) {
        self.id = id
        self.title = title
    }
}
