import ArgumentParser
import FoundationEssentials
import Vision

/// `vision time`: takes timings on request, so that a benchmark can take turns with another program.
struct TimeLoop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "time",
        abstract: "Print the precision; read lines `MODE BATCH COUNT PHOTO`, print the milliseconds of each.",
        discussion: """
            COUNT batches of BATCH times the photo. MODE: `all` looks for every face at full size, as facenet-pytorch; \
            `largest` works as the service. Both decode the file, detect, align, and run identity and expression on one \
            face a photo.
            """,
        shouldDisplay: false)

    @OptionGroup
    var faces: FaceOptions

    @OptionGroup
    var options: NetworkOptions

    func run() async throws {
        let lanes = try options.lanes()
        try printJSON(options.precision.rawValue)
        while let line = readLine() {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            guard words.count == 4, ["all", "largest"].contains(words[0]), let batch = Int(words[1]),
                let count = Int(words[2]), batch > 0, count > 0
            else { throw ValidationError("Not `MODE BATCH COUNT PHOTO`: \(line)") }
            let data = try contents(of: words[3])
            var settings = LookSettings()
            settings.smallestFace = faces.smallest
            if words[0] == "all" { (settings.limits.side, settings.limits.memory) = (.max, .max) }
            let milliseconds = try await lanes.withLane { lane in
                try await lane.run { [settings] analyser in
                    let start = ContinuousClock.now
                    for _ in 0..<count {
                        let faces = try (0..<batch).compactMap { _ in
                            let picture = try Picture(data, limits: settings.limits)
                            guard words[0] == "all" else {
                                return try analyser.largestFace(in: picture, smallest: settings.smallestFace)
                            }
                            return analyser.faces(in: picture, smallest: settings.smallestFace).first
                                .flatMap { analyser.align($0, in: picture) }
                        }
                        _ = try analyser.read(faces)
                    }
                    return (ContinuousClock.now - start) / .milliseconds(1)
                }
            }
            try printJSON(milliseconds)
        }
    }
}
