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
        let width: Int
        let height: Int

        /// The side of a window, in pixels of the picture.
        var face: Float { ImagePyramid.window / scale }
    }

    /// From the smallest faces to the largest.
    let levels: [Level]

    /// The scales for faces from `smallest` pixels to the whole picture.
    init(width: Int, height: Int, smallest: Float) {
        var levels: [Level] = []
        var scale = Double(Self.window) / Double(smallest)
        var side = Double(min(width, height)) * scale
        while side >= Double(Self.window) {
            levels.append(
                Level(
                    scale: Float(scale), width: Int(Double(width) * scale + 1), height: Int(Double(height) * scale + 1))
            )
            scale *= Self.step
            side *= Self.step
        }
        self.levels = levels
    }
}
