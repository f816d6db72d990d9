package import Broker
package import Database
package import Operations

/// What identity can be told, beside what `ServiceRunner` reads.
///
/// | key | type | default | |
/// |---|---|---|---|
/// | `broker.host`, `broker.port` | text, number | 127.0.0.1, 5672 | RabbitMQ |
/// | `broker.user`, `broker.password` | text, secret | guest, guest | |
/// | `broker.vhost` | text | / | |
/// | `database.url` | secret | required | libpq URI |
/// | `database.connections` | 2...100 | 4 | connections of this worker |
/// | `models.directory` | path | Models | folder of manifest.json, for the thresholds |
/// | `identity.batch` | 1...256 | 32 | faces compared at a time |
/// | `identity.concurrency` | 1...64 | 2 | batches at a time |
/// | `identity.threads` | 1...256 | 1 | threads of one comparison |
package struct IdentitySettings: Sendable {
    package var broker: BrokerAddress
    package var database: DatabaseSettings
    package var modelsDirectory: String
    package var batch: Int
    package var concurrency: Int
    package var threads: Int

    package init(_ settings: Settings) throws(SettingsError) {
        broker = BrokerAddress(
            host: settings.text("broker.host", default: "127.0.0.1"),
            port: try settings.integer("broker.port", default: 5672, in: 1...65535),
            user: settings.text("broker.user", default: "guest"),
            password: settings.secret("broker.password") ?? "guest",
            virtualHost: settings.text("broker.vhost", default: "/"))
        guard let url = settings.secret("database.url") else { throw .missing(key: "database.url") }
        database = DatabaseSettings(
            address: DatabaseAddress(url),
            connections: try settings.integer("database.connections", default: 4, in: 2...100),
            applicationName: "mien identity")
        modelsDirectory = settings.text("models.directory", default: "Models")
        batch = try settings.integer("identity.batch", default: 32, in: 1...256)
        concurrency = try settings.integer("identity.concurrency", default: 2, in: 1...64)
        threads = try settings.integer("identity.threads", default: 1, in: 1...256)
    }
}
