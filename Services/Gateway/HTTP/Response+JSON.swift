import FoundationEssentials
import HTTPTypes
import Hummingbird
import Messages

extension Response {
    /// A value of the API.
    static func json(_ value: some Encodable) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: JSON.encode(value))))
    }

    /// A job that was accepted and has not ended, and where to ask for it.
    static func accepted(_ record: JobRecord?, _ job: JobID, _ trip: Trip) -> Response {
        var response = json(record ?? JobRecord(id: job, trip: trip, state: .queued, created: .now))
        response.status = .accepted
        response.headers[.location] = "/v1/jobs/\(job)"
        if trip != .erasure, trip != .merge { response.headers[.preferenceApplied] = "respond-async" }
        return response
    }
}
