package import Operations

/// How a pool of connections behaves.
package struct DatabaseSettings: Sendable {
    package var address: DatabaseAddress
    /// How many connections there are at most; each has a thread of its own while it works.
    package var connections: Int
    /// How long a connection attempt may take.
    package var connectTimeout: Duration
    /// How long a task waits for a connection while none is given back.
    package var acquireTimeout: Duration
    /// How long an idle connection may rest before it is asked whether its server still answers.
    package var restTimeout: Duration
    /// How long a server may say nothing to a statement before it is asked, by another connection, whether it is there; and
    /// how long until it is asked again.
    package var silenceLimit: Duration
    /// How long the server works on one statement, COPY excepted. Zero: without limit. A server that has not answered
    /// five seconds later is taken for gone.
    package var statementTimeout: Duration
    /// How long the server may say nothing during COPY, and where the limit is lifted, before it is taken for gone.
    package var longStatementTimeout: Duration
    /// How long a transaction may sit idle before the server ends it. Zero: without limit.
    package var idleTransactionTimeout: Duration
    /// What the server shows in `pg_stat_activity`.
    package var applicationName: String

    package init(
        address: DatabaseAddress, connections: Int = 4, connectTimeout: Duration = .seconds(3),
        acquireTimeout: Duration = .seconds(10), restTimeout: Duration = .seconds(1),
        silenceLimit: Duration = .seconds(3),
        statementTimeout: Duration = .seconds(30), longStatementTimeout: Duration = .seconds(3600),
        idleTransactionTimeout: Duration = .seconds(60), applicationName: String = "mien"
    ) {
        precondition(connections > 0, "a pool needs a connection")
        self.address = address
        self.connections = connections
        self.connectTimeout = connectTimeout
        self.acquireTimeout = acquireTimeout
        self.restTimeout = restTimeout
        self.silenceLimit = silenceLimit
        self.statementTimeout = statementTimeout
        self.longStatementTimeout = longStatementTimeout
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
        guard let text = settings.secret("database.url") else { throw .missing(key: "database.url") }
        let address = DatabaseAddress(text)
        guard address.isReadable else {
            // Without the text, in which a password may stand.
            throw .invalid(key: "database.url", value: "…", wanted: "a libpq URI or conninfo string")
        }
        self.init(
            address: address,
            connections: try settings.integer("database.connections", default: connections, in: fewest...1000),
            applicationName: applicationName)
    }
}
