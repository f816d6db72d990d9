/// How large a picture may be, and how much of it is looked at.
struct ImageLimits: Hashable, Sendable {
    /// The greatest length of an uploaded file.
    var bytes = 20 << 20
    /// The greatest width times height.
    var pixels = 50_000_000
    /// The most memory that decoding one picture may take: a PNG and a progressive JPEG are held whole, at 3 bytes a
    /// pixel and more; a baseline JPEG is not.
    var memory = 120 << 20
    /// A picture is halved while its long side stays at least this long, in pixels. `Int.max` looks at every pixel.
    var side = 1280
}
