import ArgumentParser
import Messages

/// `vision analyze`: what the service would say of a photo.
struct Analyze: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what the service would say of photos, one line of JSON each.",
        discussion: "The exit status is 1 when a photo could not be analysed; its line says why.")

    @Argument(help: "JPEG or PNG files.", completion: .file())
    var photos: [String]

    @OptionGroup
    var options: NetworkOptions

    private struct Line: Encodable {
        var photo: String
        var analysis: FaceAnalysis?
        var failure: Failure?
    }

    func run() async throws {
        let lanes = try options.lanes()
        var failed = false
        for photo in photos {
            let data = try contents(of: photo)
            var line = Line(photo: photo)
            do {
                line.analysis = try await lanes.withLane { lane in
                    let face = try await lane.look(at: data, LookSettings())
                    return try await lane.run { analyser in
                        analyser.networks.analysis(of: face, try analyser.read([face])[0], reacting: true)
                    }
                }
            } catch let failure as Failure {
                line.failure = failure
                failed = true
            }
            try printJSON(line)
        }
        if failed { throw ExitCode(1) }
    }
}

/// `vision detect`: every face of a photo at full size, as facenet-pytorch would find them.
struct Detect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print all faces of photos at full size, largest first, one line of JSON a photo.")

    @Argument(help: "JPEG or PNG files.", completion: .file())
    var photos: [String]

    @Option(help: "The smallest face, in pixels.")
    var smallest: Float = 20

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
        let lanes = try options.lanes()
        let found = try await lanes.map(photos) { [limits, smallest, largest] analyser, photo in
            let picture = try Picture(try contents(of: photo), limits: limits)
            guard largest else { return analyser.faces(in: picture, smallest: smallest) }
            return analyser.largestFace(in: picture, smallest: smallest).map { [$0.detection] } ?? []
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
