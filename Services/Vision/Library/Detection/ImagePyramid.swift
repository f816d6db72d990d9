/// The scales at which P-Net, whose window is 12 x 12, sees a picture.
struct ImagePyramid: Sendable {
    /// The window's side.
    static let window: Float = 12
    /// From one scale to the next.
    static let step = 0.709

    /// One scale of the picture.
    struct Level: Hashable, Sendable {
        /// The level's pixels for one of the picture.
        let scale: Float
        /// What of the picture is seen.
        let region: PixelRegion
        let width: Int
        let height: Int

        /// The side of a window, in pixels of the picture.
        var face: Float { ImagePyramid.window / scale }
    }

    /// From the smallest faces to the largest.
    let levels: [Level]

    /// The scales for faces from `smallest` pixels to the whole picture.
    ///
    /// - Parameter margin: by how many of a level's pixels windows may leave the picture, for faces that do.
    init(width: Int, height: Int, smallest: Float, margin: Int = 0) {
        var levels: [Level] = []
        var scale = Double(Self.window) / Double(smallest)
        while Double(min(width, height)) * scale + 2 * Double(margin) >= Double(Self.window) {
            let beyond = Int(Double(margin) / scale)
            let region = PixelRegion(x: -beyond, y: -beyond, width: width + 2 * beyond, height: height + 2 * beyond)
            levels.append(
                Level(
                    scale: Float(scale), region: region, width: Int(Double(region.width) * scale + 1),
                    height: Int(Double(region.height) * scale + 1)))
            scale *= Self.step
        }
        self.levels = levels
    }
}
