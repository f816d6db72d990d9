import ArgumentParser
import Messages
import Vision

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
