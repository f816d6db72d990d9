import Foundation
import Logging
import Messages
import ServiceLifecycle
import Subprocess
import Synchronization
import Testing

@testable import Broker

/// A virtual host of a real broker that belongs to one test and goes with it.
struct VirtualHost: Sendable {
    let address: BrokerAddress
    private let management: String

    /// The broker to test with, if the environment names one.
    static let broker = ProcessInfo.processInfo.environment["MIEN_TEST_BROKER"].flatMap { BrokerAddress(uri: $0) }
    /// Its management API: `http://user:password@host:port`.
    static let managementAddress = ProcessInfo.processInfo.environment["MIEN_TEST_BROKER_API"]
    static let isGiven = broker != nil && managementAddress != nil

    /// Runs a test with a virtual host that has Mien's own policies.
    @discardableResult
    static func run<Result>(
        _ name: String = "mien-test-\(UUID().uuidString.lowercased())",
        _ body: (VirtualHost) async throws -> Result
    ) async throws -> Result {
        var address = try #require(broker)
        address.virtualHost = name
        let host = VirtualHost(address: address, management: try #require(managementAddress))
        try await host.call("PUT", "vhosts/\(name)")
        do {
            try await host.call(
                "PUT", "permissions/\(name)/\(address.user)", #"{"configure":".*","write":".*","read":".*"}"#)
            try await host.call("POST", "definitions/\(name)", try String(contentsOf: definitions, encoding: .utf8))
            let result = try await body(host)
            try await host.call("DELETE", "vhosts/\(name)")
            return result
        } catch {
            _ = try? await host.call("DELETE", "vhosts/\(name)")
            throw error
        }
    }

    private static var definitions: URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../deploy/broker/definitions.json")
    }

    /// Calls the management API and returns its reply.
    @discardableResult
    func call(_ method: String, _ path: String, _ body: String? = nil) async throws -> String {
        var arguments = ["--silent", "--show-error", "--fail-with-body", "--request", method]
        if let body { arguments += ["--header", "Content-Type: application/json", "--data-binary", body] }
        let result = try await Subprocess.run(
            .name("curl"), arguments: Arguments(arguments + ["\(management)/api/\(path)"]),
            output: .string(limit: 1 << 26), error: .string(limit: 1 << 16))
        guard result.terminationStatus.isSuccess else {
            throw ManagementError(call: "\(method) \(path)", reply: result.standardOutput)
        }
        return result.standardOutput
    }

    struct ManagementError: Error {
        var call: String
        var reply: String
    }
}

// MARK: - What a test does to the broker

extension VirtualHost {
    struct Connection: Decodable {
        var name: String
        /// Bytes that the broker has received by it.
        var recv_oct: Int?
    }

    func openConnections() async throws -> [Connection] {
        let reply = try await call("GET", "vhosts/\(address.virtualHost)/connections")
        return try JSONDecoder().decode([Connection].self, from: Data(reply.utf8))
    }

    func connections() async throws -> [String] {
        try await openConnections().map(\.name).sorted()
    }

    /// Closes every connection that the broker has, once it lists at least `count` that are not in `known`.
    ///
    /// - Returns: the names of the closed ones.
    @discardableResult
    func closeConnections(_ count: Int, besides known: [String] = []) async throws -> [String] {
        var names: [String] = []
        try await eventually("\(count) connections are listed") {
            names = try await connections().filter { !known.contains($0) }
            return names.count >= count
        }
        for name in names {
            let escaped = try #require(name.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            // One that is already gone has done what was asked.
            _ = try? await call("DELETE", "connections/\(escaped)")
        }
        return names
    }

    /// Sets a policy that goes before Mien's own.
    func setPolicy(_ pattern: String, _ definition: String) async throws {
        try await call(
            "PUT", "policies/\(address.virtualHost)/test",
            #"{"pattern":"\#(pattern)","apply-to":"queues","priority":9,"definition":\#(definition)}"#)
    }

    func removePolicy() async throws {
        try await call("DELETE", "policies/\(address.virtualHost)/test")
    }

    func delete(_ queue: Queue) async throws {
        try await call("DELETE", "queues/\(address.virtualHost)/\(queue.name)")
    }

    /// Publishes a message that no service of Mien would.
    func publish(to key: String, header: String?, type: String, body: String) async throws {
        struct Message: Encodable {
            var properties: Properties
            var routing_key: String
            var payload: String
            var payload_encoding = "string"
        }
        struct Properties: Encodable {
            var type: String
            var headers: [String: String]
        }
        let message = Message(
            properties: Properties(type: type, headers: header.map { ["x-mien-header": $0] } ?? [:]),
            routing_key: key, payload: body)
        try await call(
            "POST", "exchanges/\(address.virtualHost)/mien.jobs/publish",
            String(decoding: try JSONEncoder().encode(message), as: UTF8.self))
    }

    /// A message that lies in a queue.
    struct StoredMessage: Decodable {
        var payload: String
        var properties: Properties

        struct Properties: Decodable {
            var type: String?
            var correlation_id: String?
            var delivery_mode: Int?
            var headers: Headers?
        }

        struct Headers: Decodable {
            var header: String?
            var reason: String?

            enum CodingKeys: String, CodingKey {
                case header = "x-mien-header"
                case reason = "x-mien-reason"
            }
        }

        var header: JobHeader? {
            guard let text = properties.headers?.header, case .header(let header) = HeaderCoding.decode(text) else {
                return nil
            }
            return header
        }
    }

    /// Takes the next message out of a queue, once there is one.
    func take(from queue: Queue) async throws -> StoredMessage {
        var messages: [StoredMessage] = []
        try await eventually("a message is in \(queue.name)") {
            let reply = try await call(
                "POST", "queues/\(address.virtualHost)/\(queue.name)/get",
                #"{"count":1,"ackmode":"ack_requeue_false","encoding":"auto"}"#)
            messages = try JSONDecoder().decode([StoredMessage].self, from: Data(reply.utf8))
            return !messages.isEmpty
        }
        return messages[0]
    }
}

// MARK: - Running services

/// Runs services while `body` runs, and shuts them down gracefully after it.
@discardableResult
func running<Result: Sendable>(
    _ services: [any Service], _ body: () async throws -> Result
) async throws -> Result {
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: services, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        do {
            let result = try await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        } catch {
            tasks.cancelAll()
            throw error
        }
    }
}

/// Waits for a condition that only asking can tell.
func eventually(
    _ what: String, within limit: Duration = .seconds(90), _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard .now < end else { throw NeverHappened(what: what) }
        try await Task.sleep(for: .milliseconds(20))
    }
}

struct NeverHappened: Error {
    var what: String
}

/// A door that tasks wait at until it is opened, or until they are cancelled.
actor Gate {
    private var isOpen = false
    private var passes = 0
    /// How many came to the door so far.
    private(set) var arrivals = 0
    /// How many went on.
    private(set) var departures = 0
    /// The most that waited at one time.
    private(set) var mostAtOnce = 0

    func pass() async {
        arrivals += 1
        mostAtOnce = max(mostAtOnce, arrivals - departures)
        while !isOpen, passes == 0, (try? await Task.sleep(for: .milliseconds(5))) != nil {}
        if passes > 0 { passes -= 1 }
        departures += 1
    }

    /// Lets one go on, and no more.
    func letOne() {
        passes += 1
    }

    func open() {
        isOpen = true
    }
}

/// What a handler was given, in order.
actor Log {
    private(set) var batches: [[Envelope]] = []

    func append(_ jobs: [Envelope]) {
        batches.append(jobs)
    }

    var jobs: [Envelope] { batches.flatMap(\.self) }
}

/// What was logged, for a test to look at.
final class Records: Sendable {
    private let recorded = Mutex<[String]>([])

    var messages: [String] { recorded.withLock(\.self) }

    /// Logs to here, everything.
    var logger: Logger {
        Logger(label: "test") { _ in RecordingHandler(records: self) }
    }

    private struct RecordingHandler: LogHandler {
        let records: Records
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            records.recorded.withLock { $0.append("\(event.message)") }
        }
    }
}

extension Logger {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
