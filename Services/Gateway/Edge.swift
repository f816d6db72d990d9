import HTTPTypes
package import Hummingbird
import Logging
import Messages
import Metrics

/// The outermost layer: every request passes it, and every response leaves with the security headers, errors as problem details.
package struct Edge: HTTPResponder {
    package typealias Context = BasicRequestContext

    /// The routes, as `openapi.yaml` lists them.
    package let routes: [Route]
    private let router: RouterResponder<BasicRequestContext>

    package init(_ api: API) {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        routes = api.routes
        for route in routes { router.on(RouterPath(route.path), method: route.method, use: route.action) }
        self.router = router.buildResponder()
    }

    package func respond(to request: Request, context: Context) async throws -> Response {
        let began = ContinuousClock.now
        let route = routes.first { $0.takes(request) }
        var response = await answer(to: request, by: route, context)
        response.headers.append(contentsOf: SecurityHeaders.fields)
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        let path = route?.path ?? "none"
        let dimensions = [
            ("method", Self.methodName(request.method)), ("route", path), ("status", String(response.status.code)),
        ]
        Counter(label: "mien_http_requests_total", dimensions: dimensions).increment()
        Timer(label: "mien_http_request_seconds", dimensions: [("route", path)])
            .record(duration: ContinuousClock.now - began)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(to request: Request, by route: Route?, _ context: Context) async -> Response {
        do {
            guard route != nil else { throw missing(request) }
            try refuseOtherSites(request)
            return try await router.respond(to: request, context: context)
        } catch let problem as Problem {
            return problem.response
        } catch let failure as Failure {
            return Problem(failure).response
        } catch {
            // A request whose client is gone ends so; nobody reads this answer.
            if !(error is CancellationError) {
                context.logger.error("A request failed unexpectedly", metadata: ["error": "\(error)"])
            }
            return Problem(Failure(.internalError, "The request could not be answered.")).response
        }
    }

    /// Refuses what a page of another site has a browser send: a picture from there would set the cookie to somebody of that site's
    /// choice. Browsers say where a request comes from (Fetch Metadata); whoever does not is none.
    private func refuseOtherSites(_ request: Request) throws(Problem) {
        let changes = request.method != .get && request.method != .head
        if changes, request.headers[.secFetchSite] == "cross-site" {
            throw Problem(.forbidden, "Requests from other sites' pages are not taken.")
        }
    }

    /// Why there is no route: no such path, or not by this method.
    private func missing(_ request: Request) -> Problem {
        let methods = routes.filter { $0.matches(request.uri.path) }.map(\.method)
        guard !methods.isEmpty else { return Problem(.notFound, "There is nothing at this path.") }
        let allowed = (methods.map(\.rawValue) + (methods.contains(.get) ? ["HEAD"] : [])).joined(separator: ", ")
        return Problem(.methodNotAllowed, "This path takes \(allowed).", headers: [.allow: allowed])
    }

    /// Methods are the client's text: only known ones become names of time series.
    private static func methodName(_ method: HTTPRequest.Method) -> String {
        [.get, .head, .post, .put, .patch, .delete, .options].contains(method) ? method.rawValue : "other"
    }
}

/// One way in: a method, a path as in `openapi.yaml`, and what happens.
package struct Route: Sendable {
    package typealias Action = @Sendable (Request, BasicRequestContext) async throws -> Response

    package let method: HTTPRequest.Method
    /// With parameters in braces: `/v1/jobs/{id}`.
    package let path: String
    package let action: Action

    package init(_ method: HTTPRequest.Method, _ path: String, _ action: @escaping Action) {
        self.method = method
        self.path = path
        self.action = action
    }

    /// Whether a request comes in here. What can be got can be asked for its head.
    package func takes(_ request: Request) -> Bool {
        (method == request.method || method == .get && request.method == .head) && matches(request.uri.path)
    }

    /// Whether a request's path is one of this route's.
    package func matches(_ path: String) -> Bool {
        let expected = self.path.split(separator: "/")
        let given = path.split(separator: "/")
        return expected.count == given.count
            && zip(expected, given).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
