package import NIOCore

/// The hosts that this gateway answers as.
///
/// A page of another site can make its own name mean this machine (DNS rebinding); the browser then takes the gateway for that
/// site. So a request must name a host that is known to be the gateway: a loopback name, the address that the connection came
/// to, or one that the operator names. An address cannot be rebound, a name can.
package struct AllowedHosts: Sendable {
    private let names: Set<String>
    private let takesAll: Bool

    /// - Parameters:
    ///   - listed: names without ports, separated by commas or spaces; `*` allows all.
    ///   - bound: what the gateway was told to listen on, a name perhaps.
    package init(_ listed: String, bound: String) {
        let listed = listed.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
        names = Set(listed + [bound.lowercased()])
        takesAll = listed.contains("*")
    }

    /// Whether a request for this host may be answered.
    ///
    /// - Parameter local: the connection's address on this side.
    package func contains(_ authority: Authority, local: SocketAddress?) -> Bool {
        takesAll || isListed(authority) || Self.isLoopback(authority.host) || Self.isAddress(authority.host, of: local)
    }

    /// Whether the operator names this host, so that a page of it may have been sent by a proxy in front of the gateway.
    package func isListed(_ authority: Authority) -> Bool {
        names.contains(authority.host)
            || names.contains(String(authority.host.drop { $0 == "[" }.prefix { $0 != "]" }))
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }

    private static func isAddress(_ host: String, of local: SocketAddress?) -> Bool {
        guard let own = local?.ipAddress else { return false }
        let text = String(host.drop { $0 == "[" }.prefix { $0 != "]" })
        guard let named = (try? SocketAddress(ipAddress: text, port: 0))?.ipAddress else { return false }
        // A socket for both families shows IPv4 addresses as IPv6 ones.
        return named == own || "::ffff:\(named)" == own
    }
}
