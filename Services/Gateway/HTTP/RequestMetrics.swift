import HTTPTypes
package import Metrics

/// Counts requests by method, route and status, and times them by route.
package struct RequestMetrics: Sendable {
    /// What is counted for a client that left before its request was whole; nobody is sent this status.
    static let clientLeft = HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request")

    private let factory: any MetricsFactory

    package init(_ factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
    }

    /// - Parameters:
    ///   - method: `nil` where the request was refused before it could be read.
    ///   - route: its path in openapi.yaml, or `nil`.
    func count(
        _ method: HTTPRequest.Method?, route: String?, _ status: HTTPResponse.Status, took duration: Duration? = nil
    ) {
        let route = route ?? "none"
        let dimensions = [("method", Self.name(method)), ("route", route), ("status", String(status.code))]
        Counter(label: "mien_http_requests_total", dimensions: dimensions, factory: factory).increment()
        if let duration {
            Timer(label: "mien_http_request_seconds", dimensions: [("route", route)], factory: factory)
                .record(duration: duration)
        }
    }

    /// Methods are the client's text: only known ones become names of time series.
    private static func name(_ method: HTTPRequest.Method?) -> String {
        guard let method, [.get, .head, .post, .put, .patch, .delete, .options].contains(method) else { return "other" }
        return method.rawValue
    }
}
