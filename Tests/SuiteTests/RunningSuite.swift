import FoundationEssentials
import NIOHTTP1
import Subprocess
import SystemPackage
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// One private set of RabbitMQ, Postgres and the four services, started as `make run` starts them, with ports and a
/// state folder of its own.
struct RunningSuite: Sendable {
    /// The suite that the running test may use.
    @TaskLocal static var current = RunningSuite(home: "", firstPort: 0)

    /// State folder: data, secrets and logs.
    let home: String
    /// First of the hundred ports that the suite may use; the gateway listens on this one.
    let firstPort: Int
    /// Backups, and who was erased since.
    var backups: String { "\(home)-backups" }

    /// The package's folder, with a slash at its end.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path(percentEncoded: false)

    var address: String { "http://127.0.0.1:\(firstPort)" }

    /// Runs `deploy/local/<script> <arguments>` for this suite and returns what it printed.
    @discardableResult
    func script(_ name: String, _ arguments: String...) async throws -> String {
        let result = try await run(
            .path(FilePath("\(Self.root)deploy/local/\(name)")), arguments: Arguments(arguments),
            environment: .inherit.updating([
                "MIEN_HOME": home, "MIEN_BACKUPS": backups, "MIEN_PORT_BASE": String(firstPort),
                "MIEN_BIN": "\(Self.root).build/debug",
                "MIEN_DATABASE_FSYNC": "off", "MIEN_SHRED_INTERVAL": "10", "VISION": "2", "IDENTITY": "2",
                "GATEWAY_DEADLINE": "20",
            ]),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw ScriptFailure(
                script: name, arguments: arguments, output: result.standardOutput + result.standardError)
        }
        return result.standardOutput
    }

    /// What the supervisor wrote down last.
    func supervisor() throws -> SupervisorState {
        try JSONDecoder().decode(SupervisorState.self, from: Data(contentsOf: URL(filePath: "\(home)/suite.json")))
    }

    /// What the broker, the database or a worker wrote to its log.
    func log(of name: String) throws -> String {
        try String(contentsOfFile: "\(home)/log/\(name).log", encoding: .utf8)
    }

    /// Sends a signal to every process of one service.
    func signal(_ signal: Int32, to service: String) async throws {
        for worker in try supervisor().services where worker.name == service || worker.name.hasPrefix(service + "-") {
            kill(pid_t(worker.pid), signal)
        }
    }

    /// Sends a signal to one worker: `vision`, `vision-2`.
    func signal(_ signal: Int32, toWorker name: String) throws {
        for worker in try supervisor().services where worker.name == name { kill(pid_t(worker.pid), signal) }
    }

    /// Runs `body` while every process of a service is stopped; they go on after it, whatever happens.
    func withStopped<Result>(_ service: String, _ body: () async throws -> Result) async throws -> Result {
        try await signal(SIGSTOP, to: service)
        do {
            let result = try await body()
            try await signal(SIGCONT, to: service)
            return result
        } catch {
            try await signal(SIGCONT, to: service)
            throw error
        }
    }

    /// Sends a signal to every process of the database.
    func signalDatabase(_ signal: Int32) throws {
        let data = URL(filePath: "\(home)/database/data").resolvingSymlinksInPath().path(percentEncoded: false)
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
        for process in processes {
            let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
            if folder == data { kill(process, signal) }
        }
    }

    /// How many messages of a queue are with workers.
    func unacknowledged(in queue: String) async throws -> Int {
        let lines = try await script(
            "broker", "ctl", "--silent", "list_queues", "-p", "mien", "name", "messages_unacknowledged")
        let fields = lines.split(separator: "\n").map { $0.split(separator: "\t") }
        return fields.first { $0.first == Substring(queue) }.flatMap { $0.last }.flatMap { Int($0) } ?? 0
    }

    /// How many dead letters there are, over all stages.
    func deadLetters() async throws -> Int {
        try await script("broker", "ctl", "--silent", "list_queues", "-p", "mien", "name", "messages")
            .split(separator: "\n").map { $0.split(separator: "\t") }.filter { $0.first?.hasSuffix(".dead") == true }
            .compactMap { $0.last.flatMap { Int($0) } }.reduce(0, +)
    }

    /// What the first worker of a service says of its readiness: the status of `/readyz`; `nil` when it does not answer.
    func readiness(of service: String) async -> Int? {
        let port = firstPort + ["gateway": 1, "identity": 2, "recommender": 3, "vision": 10][service, default: 0]
        return try? await SuiteClient(address: "http://127.0.0.1:\(port)").send(.GET, "/readyz").status
    }

    /// How many messages wait or are being worked on, over all queues.
    func messagesInQueues() async throws -> Int {
        try await script("broker", "ctl", "--silent", "list_queues", "-p", "mien", "messages")
            .split(separator: "\n").compactMap { Int($0) }.reduce(0, +)
    }

    /// One SQL statement as the database's owner; a line a row.
    func sql(_ statement: String) async throws -> [String] {
        try await script("database", "psql", "-AtX", "-c", statement).split(separator: "\n").map(String.init)
    }

    /// Waits for a condition that only asking can tell.
    func eventually(
        _ what: String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + limit
        while try await !condition() {
            guard .now < end else { throw NeverHappened(what: what) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Waits until every service says that it is ready.
    func becomesReady() async throws {
        try await script("suite", "wait")
    }
}

/// What the supervisor writes down of itself and of the processes it started.
struct SupervisorState: Decodable {
    struct Worker: Decodable {
        let name: String
        let pid: Int
    }

    let pid: Int
    let parts: [Worker]
    let services: [Worker]
}

/// A condition did not come about in time.
struct NeverHappened: Error {
    let what: String
}

/// A script of `deploy/local` failed.
struct ScriptFailure: Error, CustomStringConvertible {
    let script: String
    let arguments: [String]
    let output: String

    var description: String { "\(script) \(arguments.joined(separator: " ")): \(output)" }
}

/// Starts a suite before the tests it is put on, and stops and removes it after them.
struct WithRunningSuite: SuiteTrait, TestScoping {
    var isRecursive: Bool { false }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let folder = environment["MIEN_TEST_HOME"],
            let port = environment["MIEN_TEST_SUITE_PORT_BASE"].flatMap(Int.init)
        else { return try await function() }
        let suite = RunningSuite(home: "\(folder)/suite", firstPort: port)
        do {
            try await suite.script("suite", "start")
            try await RunningSuite.$current.withValue(suite) { try await function() }
        } catch {
            try await suite.script("suite", "erase")
            throw error
        }
        try await suite.script("suite", "erase")
    }
}

extension Trait where Self == WithRunningSuite {
    /// A private suite for the tests of the type this stands on.
    static var runningSuite: Self { Self() }
}

/// Whether `make test` told where a suite may live.
let suiteMayRun = ProcessInfo.processInfo.environment["MIEN_TEST_HOME"] != nil
