package import HTTPTypes
package import Hummingbird
import Logging
import Messages
import NIOCore

/// The outermost layer: every request passes it, and every response leaves with the security headers, errors as problem details.
///
/// It finds the route itself: Hummingbird's router takes `//v1/jobs/x/` for `/v1/jobs/x`, makes a HEAD of each GET, also of
/// one that changes something, and does not tell which methods a path takes.
package struct Edge: HTTPResponder {
    package typealias Context = EdgeContext

    /// The routes, as `openapi.yaml` lists them.
    package let routes: [Route]
    private let visitors: Visitors
    /// Counts what is answered here, and what a connection refuses.
    package let metrics: RequestMetrics

    package init(_ api: API, hosts: AllowedHosts, metrics: RequestMetrics = RequestMetrics()) {
        self.metrics = metrics
        routes = api.routes
        visitors = Visitors(hosts: hosts)
    }

    package func respond(to request: Request, context: Context) async throws -> Response {
        let began = ContinuousClock.now
        let route = routes.first { $0.takes(request) }
        let (answer, clientLeft) = await answer(to: request, by: route, context)
        var response = answer
        response.headers.append(contentsOf: SecurityHeaders.fields)
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        metrics.count(
            request.method, route: route?.path, clientLeft ? RequestMetrics.clientLeft : response.status,
            took: ContinuousClock.now - began)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(
        to request: Request, by route: Route?, _ context: Context
    ) async -> (response: Response, clientLeft: Bool) {
        do {
            try visitors.check(request, effect: route?.effect ?? .nothing, local: context.channel.localAddress)
            guard let route else { throw missing(request) }
            var context = context
            context.coreContext.parameters = route.parameters(in: request.uri.path) ?? [:]
            return (try await route.action(request, context), false)
        } catch let problem as Problem {
            return (problem.response, false)
        } catch let failure as Failure {
            if failure.kind == .internalError {
                context.logger.error("A request failed inside", metadata: ["error": "\(failure.detail)"])
            }
            return (Problem(failure).response, false)
        } catch is ClientLeft {
            // Who only ended its side of the connection still reads this.
            return (Problem(.badRequest, "The request ended before all of its body had come.").response, true)
        } catch is CancellationError {
            return (
                Problem(Failure(.unavailable, "The service is stopping: try again in a few seconds.")).response, false
            )
        } catch {
            context.logger.error("A request failed unexpectedly", metadata: ["error": "\(error)"])
            return (Problem(Failure(.internalError, "")).response, false)
        }
    }

    /// Why there is no route: no such path, or not by this method.
    private func missing(_ request: Request) -> Problem {
        let routes = routes.filter { $0.parameters(in: request.uri.path) != nil }
        guard !routes.isEmpty else { return Problem(.notFound, "There is nothing at this path.") }
        let methods = routes.map(\.method.rawValue) + (routes.contains(where: \.takesHead) ? ["HEAD"] : [])
        let allowed = methods.joined(separator: ", ")
        return Problem(.methodNotAllowed, "This path takes \(allowed).", headers: [.allow: allowed])
    }
}

/// One way in: a method, a path as in `openapi.yaml`, and what happens.
package struct Route: Sendable {
    package typealias Action = @Sendable (Request, EdgeContext) async throws -> Response

    package let method: HTTPRequest.Method
    /// With parameters in braces: `/v1/jobs/{id}`.
    package let path: String
    package let effect: Effect
    package let action: Action

    /// What a request brings about, and so who may have it sent.
    package enum Effect: Sendable {
        case nothing
        /// Work, of which nothing is kept but the answer: not for other sites' pages.
        case work
        /// Something is another afterwards: not under other names either.
        case change
    }

    /// - Parameter effect: by default, `nothing` by GET and `change` by any other method.
    package init(_ method: HTTPRequest.Method, _ path: String, effect: Effect? = nil, _ action: @escaping Action) {
        self.method = method
        self.path = path
        self.effect = effect ?? (method == .get ? .nothing : .change)
        self.action = action
    }

    /// Whether its head can be asked for, which must not change anything.
    package var takesHead: Bool { method == .get && effect == .nothing }

    /// Whether a request comes in here.
    package func takes(_ request: Request) -> Bool {
        (method == request.method || takesHead && request.method == .head) && parameters(in: request.uri.path) != nil
    }

    /// What a path says for the parameters of this route's; `nil` for a path that is none of it.
    package func parameters(in path: String) -> Parameters? {
        let expected = self.path.split(separator: "/", omittingEmptySubsequences: false)
        let given = path.split(separator: "/", omittingEmptySubsequences: false)
        guard expected.count == given.count else { return nil }
        var parameters = Parameters()
        for (expected, given) in zip(expected, given) where expected != given || expected.hasPrefix("{") {
            guard expected.hasPrefix("{"), !given.isEmpty else { return nil }
            parameters[expected.dropFirst().dropLast()] = given
        }
        return parameters
    }
}
