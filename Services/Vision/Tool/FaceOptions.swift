import ArgumentParser
import Vision

/// Which faces a command looks for.
struct FaceOptions: ParsableArguments {
    @Option(help: "The smallest face, in pixels.")
    var smallest: Float = 20

    func validate() throws {
        guard LookSettings.faces.contains(Double(smallest)) else {
            throw ValidationError("--smallest must be 12 to 10000.")
        }
    }
}
