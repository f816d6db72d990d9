import FoundationEssentials
import Subprocess
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// One private set of RabbitMQ, Postgres and the four services, as `make run` starts them, on ports and in a folder of its own.
struct RunningSuite: Sendable {
    /// The suite that the running test may use.
    @TaskLocal static var current = RunningSuite(home: "", firstPort: 0)

    /// State folder: data, secrets and logs.
    let home: String
    /// First of the hundred ports that the suite may use; the gateway listens on this one.
    let firstPort: Int

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()

    var address: String { "http://127.0.0.1:\(firstPort)" }

    /// Runs `deploy/local/<script> <arguments>` for this suite and returns what it printed.
    @discardableResult
    func script(_ name: String, _ arguments: String...) async throws -> String {
        let result = try await run(
            .path("\(Self.root)deploy/local/\(name)"), arguments: Arguments(arguments),
            environment: .inherit.updating([
                "MIEN_HOME": home, "MIEN_PORT_BASE": String(firstPort), "MIEN_BIN": Self.binaries,
                "MIEN_DATABASE_FSYNC": "off", "VISION": "2", "IDENTITY": "2", "GATEWAY_DEADLINE": "6",
            ]),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw ScriptFailure(script: name, arguments: arguments, output: result.standardError ?? "")
        }
        return result.standardOutput ?? ""
    }

    /// Where the build put the services: beside the test bundle that runs.
    private static let binaries = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path()

    /// The processes of one service, read from the supervisor's status.
    func processes(of service: String) async throws -> [pid_t] {
        try await script("suite", "processes", service).split(separator: "\n").compactMap { pid_t($0) }
    }

    /// Sends a signal to every process of one service.
    func signal(_ signal: Int32, to service: String) async throws {
        for process in try await processes(of: service) { kill(process, signal) }
    }

    /// How many messages wait or are being worked on, over all queues but the named.
    func messagesInQueues() async throws -> Int {
        try await script("broker", "ctl", "--silent", "list_queues", "-p", "mien", "messages")
            .split(separator: "\n").compactMap { Int($0) }.reduce(0, +)
    }

    /// One SQL statement as the database's owner; a line a row.
    func sql(_ statement: String) async throws -> [String] {
        try await script("database", "psql", "-d", "mien", "-AtX", "-c", statement).split(separator: "\n").map(
            String.init)
    }

    /// Waits until every service says that it is ready.
    func becomesReady() async throws {
        _ = try await script("suite", "wait")
    }
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
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            component: "mien-suite-\(UUID().uuidString.prefix(8))")
        let suite = RunningSuite(home: folder.path(), firstPort: try freePorts(count: 100))
        do {
            try await suite.script("suite", "start")
            try await RunningSuite.$current.withValue(suite) { try await function() }
        } catch {
            try await remove(suite)
            throw error
        }
        try await remove(suite)
    }

    private func remove(_ suite: RunningSuite) async throws {
        try await suite.script("suite", "stop")
        try await suite.script("database", "remove")
        try FileManager.default.removeItem(atPath: suite.home)
    }
}

extension Trait where Self == WithRunningSuite {
    /// A private suite for the tests of the type this stands on.
    static var runningSuite: Self { Self() }
}

/// The first of `count` ports of which none is in use just now, below the range that the system hands out by itself.
private func freePorts(count: Int) throws -> Int {
    for _ in 0..<100 {
        let first = Int.random(in: 100...300) * 100
        if (first..<first + count).allSatisfy(isFree) { return first }
    }
    throw ScriptFailure(script: "suite", arguments: ["start"], output: "no \(count) free ports in a row")
}

private func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
    }
}
