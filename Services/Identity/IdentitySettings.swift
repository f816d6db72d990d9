package import Broker
package import Database
package import Operations

/// What identity can be told, beside `broker.*`, `database.url` and what `ServiceRunner` reads.
///
/// | key | type | default | |
/// |---|---|---|---|
/// | `database.connections` | 2...1000 | 4 | connections of this worker |
/// | `models.directory` | path | Models | folder of manifest.json, for thresholds and cohort |
/// | `models.previous` | path | none | folder of the manifest whose identity network people were known by before |
/// | `identity.batch` | 1...256 | 32 | faces compared at a time |
/// | `identity.concurrency` | 1...64 | 2 | batches at a time |
/// | `identity.threads` | 1...256 | 1 | threads of one comparison |
/// | `identity.templates` | 1...64 | 8 | templates kept of a user |
/// | `identity.sweepInterval` | seconds | 600 | how often old erasures are cleared out |
package struct IdentitySettings: Sendable {
    package var broker: BrokerAddress
    package var database: DatabaseSettings
    package var modelsDirectory: String
    package var previousModels: String?
    package var batch: Int
    package var concurrency: Int
    package var threads: Int
    package var templates: Int
    package var sweepInterval: Duration

    package init(_ settings: Settings) throws(SettingsError) {
        broker = try BrokerAddress(settings)
        database = try DatabaseSettings(settings, connections: 4, atLeast: 2, applicationName: "mien identity")
        modelsDirectory = settings.text("models.directory", default: "Models")
        previousModels = settings.text("models.previous")
        batch = try settings.integer("identity.batch", default: 32, in: 1...256)
        concurrency = try settings.integer("identity.concurrency", default: 2, in: 1...64)
        threads = try settings.integer("identity.threads", default: 1, in: 1...256)
        templates = try settings.integer("identity.templates", default: 8, in: 1...64)
        sweepInterval = try settings.duration("identity.sweepInterval", default: .seconds(600), aboveZero: true)
    }
}
