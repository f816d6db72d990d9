internal import Broker
internal import Database
internal import Operations

/// What identity can be told, beside what `ServiceRunner` reads.
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `broker.host` | text | 127.0.0.1 | RabbitMQ |
/// | `broker.port` | 1...65535 | 5672 | its AMQP port |
/// | `broker.user` | text | guest | |
/// | `broker.password` | secret | guest | |
/// | `broker.vhost` | text | / | |
/// | `database.url` | secret, required | | libpq URI or conninfo of Postgres |
/// | `database.connections` | 2...100 | 4 | connections at most, one more listens |
/// | `models.directory` | folder | Models | where manifest.json lies |
/// | `identity.poll` | seconds | 1 | how often changes are asked for, beside being notified of them |
/// | `identity.threads` | 1...64 | 1 | threads one search may use |
/// | `stage.batch` | 1...1024 | 32 | the most jobs searched for in one product |
/// | `stage.concurrency` | 1...64 | 2 | batches worked on at the same time |
/// | `stage.prefetch` | 1...65535 | batch · concurrency + 2 | unacknowledged jobs taken from each queue |
struct IdentitySettings: Sendable {
    var broker: BrokerAddress
    var database: DatabaseSettings
    var models: String
    var poll: Duration
    var threads: Int
    var stage: StageSettings

    init(_ settings: Settings) throws(SettingsError) {
        broker = BrokerAddress(
            host: settings.text("broker.host", default: "127.0.0.1"),
            port: try settings.integer("broker.port", default: 5672, in: 1...65535),
            user: settings.text("broker.user", default: "guest"),
            password: settings.secret("broker.password") ?? "guest",
            virtualHost: settings.text("broker.vhost", default: "/"))
        guard let address = settings.secret("database.url") else { throw .missing(key: "database.url") }
        database = DatabaseSettings(
            address: DatabaseAddress(address),
            connections: try settings.integer("database.connections", default: 4, in: 2...100),
            applicationName: "mien-identity")
        models = settings.text("models.directory", default: "Models")
        poll = try settings.duration("identity.poll", default: .seconds(1))
        threads = try settings.integer("identity.threads", default: 1, in: 1...64)
        stage = StageSettings(
            batch: try settings.integer("stage.batch", default: 32, in: 1...1024),
            concurrency: try settings.integer("stage.concurrency", default: 2, in: 1...64),
            prefetch: settings.text("stage.prefetch") == nil
                ? nil : try settings.integer("stage.prefetch", default: 1, in: 1...65535))
    }
}
