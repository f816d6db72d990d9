internal import CPostgreSQL
package import Operations

/// Where a database is and who asks: a libpq URI (`postgresql://user:password@host:port/name`) or a conninfo string.
///
/// It may hold a password, so it has no description of its own but `summary`.
package struct DatabaseAddress: Hashable, Sendable {
    let conninfo: String
    /// Replaces the database that `conninfo` names.
    let name: String?

    package init(_ conninfo: String) {
        self.init(conninfo: conninfo, name: nil)
    }

    private init(conninfo: String, name: String?) {
        self.conninfo = conninfo
        self.name = name
    }

    /// Another database of the same server, as the same user.
    package func database(named name: String) -> DatabaseAddress {
        DatabaseAddress(conninfo: conninfo, name: name)
    }

    /// Host, port and database, for logs: never the password.
    package var summary: String {
        guard let options = PQconninfoParse(conninfo, nil) else { return "not a database address" }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        let place = values["host"] ?? values["hostaddr"] ?? "local socket"
        return "\(place):\(values["port"] ?? "5432")/\(name ?? values["dbname"] ?? "")"
    }
}

extension DatabaseAddress: CustomStringConvertible, CustomReflectable {
    package var description: String { summary }
    package var customMirror: Mirror { Mirror(self, children: ["address": summary]) }
}

/// How a pool of connections behaves.
package struct DatabaseSettings: Sendable {
    package var address: DatabaseAddress
    /// How many connections there are at most; each has a thread of its own while it works.
    package var connections: Int
    /// How long a connection attempt may take; whole seconds, at least 2 (libpq).
    package var connectTimeout: Duration
    /// How long the server works on one statement, COPY excepted. Zero: without limit.
    package var statementTimeout: Duration
    /// How long a transaction may sit idle before the server ends it. Zero: without limit.
    package var idleTransactionTimeout: Duration
    /// What the server shows in `pg_stat_activity`.
    package var applicationName: String

    package init(
        address: DatabaseAddress, connections: Int = 4, connectTimeout: Duration = .seconds(5),
        statementTimeout: Duration = .seconds(30), idleTransactionTimeout: Duration = .seconds(60),
        applicationName: String = "mien"
    ) {
        precondition(connections > 0, "a pool needs a connection")
        self.address = address
        self.connections = connections
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.idleTransactionTimeout = idleTransactionTimeout
        self.applicationName = applicationName
    }

    /// What a service was told of its database:
    ///
    /// | key | type | default | |
    /// |---|---|---|---|
    /// | `database.url` | secret | required | libpq URI or conninfo string |
    /// | `database.connections` | `atLeast` or more | `connections` | connections of this worker at most |
    package init(
        _ settings: Settings, connections: Int, atLeast fewest: Int = 1, applicationName: String
    ) throws(SettingsError) {
        guard let address = settings.secret("database.url") else { throw .missing(key: "database.url") }
        self.init(
            address: DatabaseAddress(address),
            connections: try settings.integer("database.connections", default: connections, in: fewest...1000),
            applicationName: applicationName)
    }
}
