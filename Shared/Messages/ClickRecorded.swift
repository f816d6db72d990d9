/// The answer to a click: it is stored.
package struct ClickRecorded: Message, Codable, Hashable {
    package static let name = "click-recorded"

    package var user: UserID
    package var video: VideoID

    package init(user: UserID, video: VideoID) {
        self.user = user
        self.video = video
    }
}
