import HTTPTypes
package import Hummingbird
import Messages
package import NIOCore

/// Tells a person's own requests from those that a page of another site has the person's browser send.
///
/// Such a page could set the cookie to somebody of its choice, click, or have the person forgotten. Browsers say where a
/// request comes from (`Sec-Fetch-Site`, `Origin`) and whom it is for (`Host`); who says nothing of the first two is no browser.
package struct Visitors: Sendable {
    private let hosts: AllowedHosts

    package init(hosts: AllowedHosts) {
        self.hosts = hosts
    }

    /// - Parameters:
    ///   - effect: what the request may bring about.
    ///   - local: the connection's address on this side.
    /// - Throws: 400 without a host, 403 for what another site's page sent, and for a change under a name that is not this
    ///   gateway's.
    package func check(_ request: Request, effect: Route.Effect, local: SocketAddress?) throws(Problem) {
        guard let text = request.head.authority, let host = Authority(text) else {
            throw Problem(.badRequest, "The request has no Host: it must say whom it is for.")
        }
        guard effect != .nothing else { return }
        guard effect == .work || hosts.contains(host, local: local) else {
            throw Problem(
                .forbidden, "This service does not answer as \(host.host.prefix(100)): http.allowedHosts would name it."
            )
        }
        let sites = request.headers[values: .secFetchSite].map { $0.lowercased() }
        guard sites.allSatisfy({ $0 == "same-origin" || $0 == "none" }) else {
            throw Problem(.forbidden, "Requests from other sites' pages are not taken.")
        }
        guard request.headers[values: .origin].allSatisfy({ isOwn(origin: $0, host) }) else {
            throw Problem(.forbidden, "Requests from other origins' pages are not taken.")
        }
    }

    /// Whether an origin (`https://mien.example`) is the one that the request is for. A proxy in front may have another scheme, and
    /// its own name where the operator lists that.
    private func isOwn(origin: String, _ host: Authority) -> Bool {
        let scheme = origin.lowercased().prefix { $0 != ":" }
        let usual: [Substring: Int] = ["http": 80, "https": 443]
        guard let port = usual[scheme], origin.dropFirst(scheme.count).hasPrefix("://"),
            let authority = Authority(origin.dropFirst(scheme.count + 3))
        else { return false }
        if authority.host == host.host, (authority.port ?? port) == (host.port ?? port) { return true }
        return authority.port == nil && hosts.isListed(authority)
    }
}
