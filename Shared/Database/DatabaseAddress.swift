internal import CPostgreSQL

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

    /// Whether libpq can read it.
    var isReadable: Bool {
        let options = PQconninfoParse(conninfo, nil)
        defer { PQconninfoFree(options) }
        return options != nil
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
