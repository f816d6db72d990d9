/// A user clicked a video.
package struct VideoClicked: Message, Codable, Hashable {
    package static let name = "video-clicked"

    package var user: UserID
    package var video: VideoID

    package init(user: UserID, video: VideoID) {
        self.user = user
        self.video = video
    }
}
