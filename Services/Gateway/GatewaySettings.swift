package import Operations

/// What an operator may set of the gateway, beside what every service reads: `broker.*`, `database.*` and the keys of
/// `ServiceRunner`. Times are in seconds.
///
/// | Key | Type | Default | Meaning |
/// | --- | --- | --- | --- |
/// | `http.host` | text | `127.0.0.1` | The address that HTTP listens on |
/// | `http.port` | number | `8080` | Its port; 0 takes a free one |
/// | `http.idleTimeout` | time | `60` | A connection that does nothing for so long is closed |
/// | `http.bodyTimeout` | time | `30` | A body must have arrived within this time |
/// | `http.writeTimeout` | time | `30` | A client that takes longer for one response is left |
/// | `http.maximumConnections` | number | `512` | More connections wait until one is closed |
/// | `http.bodyMemory` | number | `134217728` | The bytes of all bodies in flight; beyond it 503 |
/// | `http.allowedHosts` | text | none | Further names that the gateway answers as, without ports; `*` for any |
/// | `gateway.deadline` | time | `15` | How long a request waits for its answer before 504 |
/// | `gateway.maximumImageBytes` | number | `10485760` | The most bytes of a picture before 413 |
/// | `gateway.longestWait` | time | `60` | The most that `Prefer: wait=N` waits at a job |
/// | `gateway.jobRetention` | time | `86400` | How long the result of an accepted job is kept |
/// | `gateway.anonymousRetention` | time | `300` | The same for results that name nobody: analyses, uncertain people |
/// | `gateway.jobLimit` | time | `86400` | An accepted job still queued after this time counts as failed |
/// | `gateway.sweepInterval` | time | `60` | How often old jobs are looked for |
/// | `gateway.erasureLedger` | text | none | A folder outside the database where erasures are written down |
/// | `gateway.requireConsent` | flag | `false` | Whether selfies without the parameter `consent` are refused |
/// | `gateway.secureCookie` | flag | `false` | Whether the cookie travels over HTTPS only; set it behind TLS |
package struct GatewaySettings: Sendable {
    package var host = "127.0.0.1"
    package var port = 8080
    package var idleTimeout = Duration.seconds(60)
    package var bodyTimeout = Duration.seconds(30)
    package var writeTimeout = Duration.seconds(30)
    package var maximumConnections = 512
    package var bodyMemory = 134_217_728
    package var allowedHosts = ""
    package var deadline = Duration.seconds(15)
    package var maximumImageBytes = 10_485_760
    package var longestWait = Duration.seconds(60)
    package var jobRetention = Duration.seconds(86_400)
    package var anonymousRetention = Duration.seconds(300)
    package var jobLimit = Duration.seconds(86_400)
    package var sweepInterval = Duration.seconds(60)
    package var erasureLedger: String?
    package var requireConsent = false
    package var secureCookie = false

    /// The defaults.
    package init() {}

    /// What is set, and the defaults for the rest.
    package init(_ settings: Settings) throws(SettingsError) {
        host = settings.text("http.host", default: host)
        port = try settings.integer("http.port", default: port, in: 0...65_535)
        idleTimeout = try settings.duration("http.idleTimeout", default: idleTimeout)
        bodyTimeout = try settings.duration("http.bodyTimeout", default: bodyTimeout)
        writeTimeout = try settings.duration("http.writeTimeout", default: writeTimeout, aboveZero: true)
        maximumConnections = try settings.integer(
            "http.maximumConnections", default: maximumConnections, in: 1...100_000)
        bodyMemory = try settings.integer("http.bodyMemory", default: bodyMemory, in: 1...Int.max)
        allowedHosts = settings.text("http.allowedHosts", default: allowedHosts)
        deadline = try settings.duration("gateway.deadline", default: deadline)
        // A message of the broker's holds 16 MiB at most, less what travels beside the picture.
        maximumImageBytes = try settings.integer(
            "gateway.maximumImageBytes", default: maximumImageBytes, in: 1...16_000_000)
        longestWait = try settings.duration("gateway.longestWait", default: longestWait)
        jobRetention = try settings.duration("gateway.jobRetention", default: jobRetention)
        anonymousRetention = try settings.duration("gateway.anonymousRetention", default: anonymousRetention)
        jobLimit = try settings.duration("gateway.jobLimit", default: jobLimit)
        sweepInterval = try settings.duration("gateway.sweepInterval", default: sweepInterval, aboveZero: true)
        erasureLedger = settings.text("gateway.erasureLedger")
        requireConsent = try settings.flag("gateway.requireConsent", default: requireConsent)
        secureCookie = try settings.flag("gateway.secureCookie", default: secureCookie)
    }
}
