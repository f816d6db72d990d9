import Messages

/// A decoded file, its pixels as they are stored.
struct StoredPicture {
    /// The size of the whole picture.
    let size: PixelSize
    /// The picture, perhaps halved.
    let image: RGBImage
    /// How it is to be turned.
    let orientation: Orientation
}
