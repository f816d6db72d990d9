import FoundationEssentials
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
                "MIEN_HOME": home, "MIEN_PORT_BASE": String(firstPort), "MIEN_BIN": "\(Self.root).build/debug",
                "MIEN_DATABASE_FSYNC": "off", "VISION": "2", "IDENTITY": "2", "GATEWAY_DEADLINE": "6",
            ]),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw ScriptFailure(script: name, arguments: arguments, output: result.standardError)
        }
        return result.standardOutput
    }

    /// Sends a signal to every process of one service.
    func signal(_ signal: Int32, to service: String) async throws {
        let state = try JSONDecoder().decode(
            SupervisorState.self, from: Data(contentsOf: URL(filePath: "\(home)/suite.json")))
        for worker in state.services where worker.name == service || worker.name.hasPrefix(service + "-") {
            kill(pid_t(worker.pid), signal)
        }
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

    /// Waits until every service says that it is ready.
    func becomesReady() async throws {
        try await script("suite", "wait")
    }
}

/// What the supervisor writes down of the processes it started.
private struct SupervisorState: Decodable {
    struct Worker: Decodable {
        let name: String
        let pid: Int
    }

    let services: [Worker]
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
