import FoundationEssentials
package import Operations

/// Where a broker is, who asks, and how often the two make sure of each other.
package struct BrokerAddress: Hashable, Sendable {
    package var host: String
    package var port: Int
    package var user: String
    package var password: String
    package var virtualHost: String
    /// A side that hears nothing for twice this long takes the connection for dead. Whole seconds, at least one.
    package var heartbeat: Duration

    package init(
        host: String = "127.0.0.1", port: Int = 5672, user: String = "guest", password: String = "guest",
        virtualHost: String = "/", heartbeat: Duration = .seconds(30)
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.virtualHost = virtualHost
        self.heartbeat = heartbeat
    }

    /// Reads `amqp://user:password@host:port/virtual%20host?heartbeat=30`; what is left out keeps its default.
    ///
    /// `nil` when the text is no such address.
    package init?(uri: String) {
        guard let parts = URLComponents(string: uri), parts.scheme == "amqp", let host = parts.host, !host.isEmpty
        else { return nil }
        self.init(host: host)
        if let port = parts.port { self.port = port }
        if let user = parts.user { self.user = user }
        if let password = parts.password { self.password = password }
        if parts.path.count > 1 { virtualHost = String(parts.path.dropFirst()) }
        if let text = parts.queryItems?.first(where: { $0.name == "heartbeat" })?.value {
            guard let seconds = Int(text), seconds > 0 else { return nil }
            heartbeat = .seconds(seconds)
        }
    }
}

extension BrokerAddress {
    /// Where a service was told that its broker is:
    ///
    /// | key | type | default | |
    /// |---|---|---|---|
    /// | `broker.host`, `broker.port` | text, 1...65535 | 127.0.0.1, 5672 | RabbitMQ |
    /// | `broker.user`, `broker.password` | text, secret | guest, guest | who asks |
    /// | `broker.vhost` | text | / | the virtual host |
    package init(_ settings: Settings) throws(SettingsError) {
        self.init(
            host: settings.text("broker.host", default: "127.0.0.1"),
            port: try settings.integer("broker.port", default: 5672, in: 1...65_535),
            user: settings.text("broker.user", default: "guest"),
            password: settings.secret("broker.password") ?? "guest",
            virtualHost: settings.text("broker.vhost", default: "/"))
    }
}

extension BrokerAddress: CustomStringConvertible {
    /// Without the password, so that an address can be logged.
    package var description: String { "amqp://\(user)@\(host):\(port)/\(virtualHost)" }
}
