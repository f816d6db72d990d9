import Hummingbird
import Messages

/// How an accepted job stands.
struct JobController: Sendable {
    let settings: GatewaySettings
    let jobs: Jobs

    var routes: [Route] { [Route(.get, "/v1/jobs/{id}", job)] }

    private func job(_ request: Request, _ context: EdgeContext) async throws -> Response {
        guard let id = context.parameters.get("id").flatMap({ JobID($0) }) else {
            throw Failure(.malformedRequest, "A job id is a UUID.")
        }
        let wait = Preference(request.headers).wait(usually: .zero, atMost: settings.longestWait)
        guard let record = try await jobs.job(id, waiting: wait) else {
            throw Failure(.unknownJob, "No accepted job has this id, or it was cleared away.")
        }
        return .json(record)
    }
}
