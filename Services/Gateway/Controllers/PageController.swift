import Hummingbird
import Messages
import NIOCore

/// The page, its files, and what describes the API.
struct PageController: Sendable {
    var routes: [Route] {
        [
            Route(.get, "/") { request, _ in PageFiles.page.response(to: request) },
            Route(.get, "/getRecommend") { request, _ in PageFiles.page.response(to: request) },
            Route(.get, "/page/{file}", pageFile),
            Route(.get, "/openapi.yaml") { request, _ in PageFiles.description.response(to: request) },
            Route(.get, "/problems/{kind}", problemType),
        ]
    }

    private func pageFile(_ request: Request, _ context: EdgeContext) throws -> Response {
        guard let file = context.parameters.get("file").flatMap({ PageFiles.parts[$0] }) else {
            throw Problem(.notFound, "The page has no such file.")
        }
        return file.response(to: request)
    }

    private func problemType(_ request: Request, _ context: EdgeContext) throws -> Response {
        guard let kind = context.parameters.get("kind").flatMap(Failure.Kind.init) else {
            throw Problem(.notFound, "There is no such type of problem.")
        }
        let (status, title) = Problem.table(kind)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: "\(title). Status \(status.code).\n")))
    }
}
