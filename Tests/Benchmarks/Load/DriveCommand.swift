import ArgumentParser
import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Posts one photo many times from several clients at once and prints throughput and latency by stage.
///
/// The last line on stdout is one JSON object, for the script that compares runs.
struct DriveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drive", abstract: "Posts a photo again and again and prints latency by stage.")

    @Option(help: "The gateway's address.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "The photo to post, JPEG or PNG.")
    var photo: String

    @Option(help: "The trip to measure: selfies or analyses.")
    var trip = "selfies"

    @Option(help: "How many requests are measured.")
    var requests = 400

    @Option(help: "How many clients wait for an answer at any time.")
    var clients = 8

    @Option(help: "Requests sent before the measured ones.")
    var warmUp = 16

    mutating func run() async throws {
        let image = ByteBuffer(bytes: try Data(contentsOf: URL(filePath: photo)))
        // By default a client opens eight connections to one host, and further requests wait for those.
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = clients
        let http = HTTPClient(configuration: configuration)
        let target = Target(url: "\(url)/v1/\(trip)", image: image, http: http)
        let report: LoadReport
        do {
            _ = try await target.drive(requests: warmUp, clients: clients)
            let clock = ContinuousClock()
            let start = clock.now
            let answers = try await target.drive(requests: requests, clients: clients)
            report = LoadReport(answers: answers, elapsed: clock.now - start)
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
        print(report.table)
        print(try report.json)
    }
}

/// One address and the picture that is posted to it.
struct Target: Sendable {
    let url: String
    let image: ByteBuffer
    let http: HTTPClient

    /// Sends `requests` requests, `clients` of them under way at any time, and returns every answer.
    func drive(requests: Int, clients: Int) async throws -> [Answer] {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            var answers: [Answer] = []
            answers.reserveCapacity(requests)
            for sent in 0..<requests {
                if sent >= clients, let answer = try await group.next() { answers.append(answer) }
                group.addTask { try await post() }
            }
            for try await answer in group { answers.append(answer) }
            return answers
        }
    }

    private func post() async throws -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        request.body = .bytes(image)
        let clock = ContinuousClock()
        let start = clock.now
        let response = try await http.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 1 << 20)
        let elapsed = clock.now - start
        guard response.status == .ok else { return Answer(elapsed: elapsed, timings: nil) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return Answer(
            elapsed: elapsed, timings: try decoder.decode(Timed.self, from: Data(body.readableBytesView)).timings)
    }
}

/// What came back for one request.
struct Answer: Sendable {
    let elapsed: Duration
    /// `nil` when the answer was an error.
    let timings: [StageMilliseconds]?
}

/// The part of an answer that says where the time went.
struct Timed: Decodable {
    let timings: [StageMilliseconds]
}

/// One stage's waiting and working, in milliseconds.
struct StageMilliseconds: Decodable, Sendable {
    let stage: String
    let queuedMs: Double
    let workedMs: Double
}
