import Broker
import FoundationEssentials
import Operations
import Vision

/// What an operator may set of vision, beside `broker.*` and what `ServiceRunner` reads.
///
/// | Key | Type | Default | Meaning |
/// | --- | --- | --- | --- |
/// | `models.directory` | text | Models | The folder of `manifest.json` |
/// | `models.previous` | text | none | The folder of the manifest whose identity network people were known by before |
/// | `vision.precision` | f32 or bf16 | the faster | What identity and expression compute in |
/// | `vision.threads` | number | usable processors | Pictures in work at once, each on a thread and an OpenVINO stream |
/// | `vision.batch` | number | 4 | The most waiting pictures taken together; their faces share one inference |
/// | `vision.batchWait` | seconds | 0 | How long a batch that is not full waits for more; 0 takes what is there |
/// | `vision.maximumImageBytes` | number | 20971520 | A larger file is refused |
/// | `vision.maximumImagePixels` | number | 50000000 | A picture of more pixels is refused |
/// | `vision.maximumImageMemory` | number | 125829120 | A picture that takes more bytes to decode is refused |
/// | `vision.maximumImageWork` | seconds | 2 | A picture that takes more of a processor's time to look at is refused |
/// | `vision.side` | number | 1280 | A picture is halved while its long side stays at least this long |
/// | `vision.smallestFace` | number | 20 | In pixels of the picture after halving |
struct VisionSettings: Sendable {
    var broker: BrokerAddress
    var modelsDirectory: String
    var previousModels: String?
    var precision: Precision
    var threads: Int
    var batch: Int
    var batchWait: Duration
    var look: LookSettings

    init(_ settings: Settings) throws(SettingsError) {
        broker = try BrokerAddress(settings)
        modelsDirectory = settings.text("models.directory", default: "Models")
        previousModels = settings.text("models.previous")
        precision = try settings.choice("vision.precision", default: .fastest)
        threads = try settings.integer("vision.threads", default: Processors.usable, in: 1...256)
        batch = try settings.integer("vision.batch", default: 4, in: 1...64)
        batchWait = try settings.duration("vision.batchWait", default: .zero)
        var look = LookSettings()
        look.limits.bytes = try settings.integer(
            "vision.maximumImageBytes", default: look.limits.bytes, in: 1...Int.max)
        look.limits.pixels = try settings.integer(
            "vision.maximumImagePixels", default: look.limits.pixels, in: 1...Int.max)
        look.limits.memory = try settings.integer(
            "vision.maximumImageMemory", default: look.limits.memory, in: 1...Int.max)
        look.limits.work = try settings.duration(
            "vision.maximumImageWork", default: look.limits.work, aboveZero: true)
        look.limits.side = try settings.integer("vision.side", default: look.limits.side, in: 64...Int.max)
        look.smallestFace = Float(
            try settings.number("vision.smallestFace", default: Double(look.smallestFace), in: LookSettings.faces))
        self.look = look
    }

    /// How the stage takes its jobs: a batch for each thread at most.
    var stage: StageSettings {
        StageSettings(batch: batch, batchWait: batchWait, concurrency: threads)
    }
}
