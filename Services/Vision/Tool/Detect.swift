import ArgumentParser
import Vision

/// `vision detect`: every face of a photo at full size, as facenet-pytorch would find them.
struct Detect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print all faces of photos at full size, largest first, one line of JSON a photo.")

    @Argument(help: "JPEG or PNG files.", completion: .file())
    var photos: [String]

    @OptionGroup
    var faces: FaceOptions

    @Flag(help: "Look for the largest face only, as the service does.")
    var largest = false

    @OptionGroup
    var options: NetworkOptions

    private struct Line: Encodable {
        var photo: String
        /// Left, top, right, bottom, then the probability.
        var boxes: [[Float]]
        /// Five points, x and y.
        var landmarks: [[[Float]]]
    }

    func run() async throws {
        var limits = ImageLimits()
        limits.side = .max
        // Full size may take more than a service would give a picture.
        limits.memory = .max
        let lanes = try options.lanes()
        let found = try await lanes.map(photos) { [limits, smallest = faces.smallest, largest] analyser, photo in
            let picture = try Picture(try contents(of: photo), limits: limits)
            guard largest else { return analyser.faces(in: picture, smallest: smallest) }
            return try analyser.largestFace(in: picture, smallest: smallest).map { [$0.detection] } ?? []
        }
        for (photo, faces) in zip(photos, found) {
            let line = Line(
                photo: photo,
                boxes: faces.map { face in (0..<4).map { face.corners[$0] } + [face.probability] },
                landmarks: faces.map { $0.landmarks.map { [$0.x, $0.y] } })
            try printJSON(line)
        }
    }
}
