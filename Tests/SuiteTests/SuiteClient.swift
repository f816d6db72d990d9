import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// A client of the REST API, as a user would write one.
struct SuiteClient: Sendable {
    let address: String

    /// Sends one request and returns the answer, whatever its status.
    func send(
        _ method: HTTPMethod, _ path: String, headers: [String: String] = [:], body: Data? = nil
    ) async throws -> Response {
        var request = HTTPClientRequest(url: address + path)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 4 << 20)
        return Response(
            status: Int(response.status.code), headers: response.headers, body: Data(bytes.readableBytesView))
    }

    /// Posts a picture to `/v1/selfies`.
    func selfie(_ image: Data, query: String = "", headers: [String: String] = [:]) async throws -> Response {
        var headers = headers
        headers["Content-Type"] = headers["Content-Type"] ?? "image/jpeg"
        return try await send(.POST, "/v1/selfies" + query, headers: headers, body: image)
    }

    /// Posts a picture that the suite accepts with 202, and returns the job's address.
    func acceptedSelfie(_ image: Data, query: String = "", headers: [String: String] = [:]) async throws -> String {
        var headers = headers
        headers["Prefer"] = "respond-async"
        let response = try await selfie(image, query: query, headers: headers)
        guard response.status == 202, let location = response.headers.first(name: "Location") else {
            throw UnexpectedResponse(response)
        }
        return location
    }

    /// Asks for an accepted job until it has ended, for at most `limit`.
    func result(of job: String, within limit: Duration = .seconds(60)) async throws -> Job {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while true {
            let response = try? await send(.GET, job, headers: ["Prefer": "wait=5"])
            if let response, response.status == 200 {
                let job = try response.decode(Job.self)
                if job.state != "queued" { return job }
            }
            guard clock.now < end else { throw StillQueued(job: job) }
            // The gateway itself may be down, which this waits out; a living one holds the request for up to 5 seconds.
            if response == nil { try await Task.sleep(for: .milliseconds(100)) }
        }
    }
}

/// An HTTP answer with its body read.
struct Response: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: Data

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(type, from: body)
        } catch {
            throw UnexpectedResponse(self)
        }
    }
}

/// An answer that is not what the test asked for.
struct UnexpectedResponse: Error, CustomStringConvertible {
    let response: Response

    init(_ response: Response) {
        self.response = response
    }

    var description: String { "\(response.status): \(String(decoding: response.body, as: UTF8.self))" }
}

/// A job had not ended in the time given.
struct StillQueued: Error {
    let job: String
}

/// What `POST /v1/selfies` answers, as far as the tests look at it.
struct Selfie: Decodable, Sendable {
    struct User: Decodable, Sendable {
        let id: String?
        let status: String
        let distance: Double?
        let reason: String?
    }

    struct Face: Decodable, Sendable {
        struct Box: Decodable, Sendable {
            let x: Double
            let y: Double
            let width: Double
            let height: Double
        }

        let box: Box
        let probability: Double
    }

    struct Mood: Decodable, Sendable {
        let name: String
        let scores: [String: Double]
    }

    struct Reaction: Decodable, Sendable {
        let rating: Int
        let distance: Double
        let reference: String
    }

    struct Recommendation: Decodable, Sendable {
        let rank: Int
        let videoId: String
        let title: String
        let url: String
        let source: String
    }

    struct Timing: Decodable, Sendable {
        let stage: String
        let queuedMs: Double
        let workedMs: Double
    }

    let job: String
    let user: User
    let face: Face
    let mood: Mood
    let reaction: Reaction?
    let recommendations: [Recommendation]
    let models: [String: String]
    let timings: [Timing]
}

/// What `GET /v1/jobs/{id}` answers.
struct Job: Decodable, Sendable {
    let state: String
    let result: Selfie?
    let problem: Problem?
}

/// RFC 9457 problem details.
struct Problem: Decodable, Sendable {
    let type: String
    let title: String
    let status: Int
    let detail: String?
}
