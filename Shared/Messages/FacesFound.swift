/// The answer to a `faces` trip: every face of a picture, with nothing stored.
package struct FacesFound: Message, Codable, Hashable {
    package static let name = "faces-found"

    /// The upright picture's size.
    package var image: PixelSize
    /// The largest first; none where the picture has none.
    package var faces: [Face]

    package init(image: PixelSize, faces: [Face]) {
        self.image = image
        self.faces = faces
    }
}
