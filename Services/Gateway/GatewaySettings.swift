/// What an operator may set of the gateway. Durations are in seconds.
///
/// | Key | Type | Default | Meaning |
/// | --- | --- | --- | --- |
/// | `http.host` | text | `127.0.0.1` | The address that HTTP listens on |
/// | `http.port` | number | `8080` | Its port; 0 takes a free one |
/// | `http.idleTimeout` | number | `60` | A connection that does nothing for so long is closed |
/// | `http.bodyTimeout` | number | `30` | A body must have arrived within this time |
/// | `gateway.deadline` | number | `15` | How long a request waits for its answer before 504 |
/// | `gateway.maximumImageBytes` | number | `10485760` | The most bytes of a picture before 413 |
/// | `gateway.longestWait` | number | `60` | The most that `Prefer: wait=N` waits at a job |
/// | `gateway.jobRetention` | number | `86400` | How long the result of an accepted job is kept |
/// | `gateway.jobLimit` | number | `86400` | An accepted job still queued after this time counts as failed |
/// | `gateway.sweepInterval` | number | `60` | How often old jobs are looked for |
/// | `gateway.secureCookie` | truth value | `false` | Whether the cookie is sent over HTTPS only; set it behind TLS |
package struct GatewaySettings: Sendable {
    package var host = "127.0.0.1"
    package var port = 8080
    package var idleTimeout = Duration.seconds(60)
    package var bodyTimeout = Duration.seconds(30)
    package var deadline = Duration.seconds(15)
    package var maximumImageBytes = 10_485_760
    package var longestWait = Duration.seconds(60)
    package var jobRetention = Duration.seconds(86_400)
    package var jobLimit = Duration.seconds(86_400)
    package var sweepInterval = Duration.seconds(60)
    package var secureCookie = false

    package init() {}
}
