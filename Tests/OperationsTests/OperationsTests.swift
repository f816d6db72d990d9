import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import Metrics
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing

@testable import Operations

@Suite struct SettingsTests {
    @Test func theFirstSourceWins() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mien-\(UUID())")
        let secrets = folder.appending(path: "secrets")
        try FileManager.default.createDirectory(at: secrets, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("from the folder\n".utf8).write(to: secrets.appending(path: "broker-password"))
        try Data("from the folder\n".utf8).write(to: secrets.appending(path: "broker-user"))
        let file = folder.appending(path: "mien.json")
        try Data(
            #"{"broker": {"user": "file", "vhost": 7, "password": 12, "port": 5}, "http": {"port": 1}, "gateway": {"secureCookie": true}, "als": {"lambda": 0.5}}"#
                .utf8
        ).write(to: file)
        let settings = try await Settings.load(
            arguments: ["--http-port", "3", "--config", file.path(percentEncoded: false)],
            environment: [
                "HTTP_PORT": "2", "BROKER_USER": "environment",
                "SECRETS_DIRECTORY": secrets.path(percentEncoded: false),
            ])
        #expect(try settings.integer("http.port", default: 0) == 3)
        #expect(settings.text("broker.user") == "environment")
        #expect(settings.secret("broker.password") == "from the folder")
        #expect(settings.text("broker.vhost") == "7")
        #expect(try settings.integer("broker.port", default: 0) == 5)
        #expect(try settings.flag("gateway.secureCookie", default: false))
        #expect(try settings.number("als.lambda", default: 0) == 0.5)
        #expect(settings.text("broker.host", default: "default") == "default")
    }

    @Test func aFileOrFolderThatIsNamedMustBeThere() async {
        for variable in ["MIEN_CONFIG", "SECRETS_DIRECTORY"] {
            let error = await #expect(throws: SettingsError.self) {
                try await Settings.load(arguments: [], environment: [variable: "/nowhere/at-all"])
            }
            guard case .unreadable(file: "/nowhere/at-all", _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func whatMakesNoSenseIsAnErrorThatNamesTheKey() {
        let settings = Settings(["a.port": "70000", "a.word": "many", "a.span": "-1", "a.flag": "perhaps"])
        func key(_ read: () throws -> Void) -> String? {
            do {
                try read()
                return nil
            } catch SettingsError.invalid(let key, _, _) {
                return key
            } catch {
                return "\(error)"
            }
        }
        #expect(key { _ = try settings.integer("a.port", default: 1, in: 0...65535) } == "a.port")
        #expect(key { _ = try settings.integer("a.word", default: 1) } == "a.word")
        #expect(key { _ = try settings.number("a.word", default: 1) } == "a.word")
        #expect(key { _ = try settings.duration("a.span", default: .seconds(1)) } == "a.span")
        #expect(
            key { _ = try Settings(["a.span": "0"]).duration("a.span", default: .zero, aboveZero: true) } == "a.span")
        #expect(key { _ = try settings.flag("a.flag", default: true) } == "a.flag")
        #expect(key { _ = try settings.choice("a.word", default: Logger.Level.info) } == "a.word")
        #expect("\(SettingsError.missing(key: "database.url"))".contains("DATABASE_URL"))
    }

    @Test func durationsAreSeconds() throws {
        let settings = Settings(["a.span": "1.5"])
        #expect(try settings.duration("a.span", default: .zero) == .seconds(1.5))
        #expect(try settings.duration("b.span", default: .seconds(2)) == .seconds(2))
    }
}

@Suite struct JSONLogHandlerTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func append(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    @Test func aRecordIsOneLineOfJSON() throws {
        let lines = Lines()
        var logger = Logger(label: "test") { _ in
            JSONLogHandler(service: "vision", level: .info) { lines.append($0) }
        }
        logger[metadataKey: "job.id"] = "7"
        logger.debug("unseen")
        logger.error(
            "broken \"line\"\n\u{1}",
            metadata: ["count": .stringConvertible(3), "list": ["a", "b"], "map": ["k": "ü"], "level": "mine"])
        #expect(lines.all.count == 1)
        let line = try #require(lines.all.first)
        #expect(line.hasSuffix("}\n"))
        #expect(line.dropLast().contains("\n") == false)
        let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(record["message"] as? String == "broken \"line\"\n\u{1}")
        #expect(record["level"] as? String == "error")
        #expect(record["metadata.level"] as? String == "mine")
        #expect(record["service"] as? String == "vision")
        // printf %s 7 | sha256sum | cut -c 1-16
        #expect(record["job.digest"] as? String == "7902699be42c8a8e")
        #expect(record["job.id"] == nil)
        #expect(record["count"] as? Int == 3)
        #expect(record["list"] as? [String] == ["a", "b"])
        #expect(record["map"] as? [String: String] == ["k": "ü"])
        let time = try #require(record["time"] as? String)
        #expect(try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(time).timeIntervalSinceNow > -60)
    }
}

@Suite struct PrometheusRegistryTests {
    @Test func everyKindIsWritten() {
        let registry = PrometheusRegistry()
        Counter(
            label: "mien_jobs_total", dimensions: [("stage", "vision"), ("outcome", "a\"b\\c\nd")], factory: registry
        )
        .increment(by: 2)
        Counter(
            label: "mien_jobs_total", dimensions: [("outcome", "a\"b\\c\nd"), ("stage", "vision")], factory: registry
        )
        .increment()
        Meter(label: "mien.depth", factory: registry).set(1.5)
        let timer = Timer(label: "mien_stage_seconds", dimensions: [("stage", "vision")], factory: registry)
        timer.recordMilliseconds(4)
        timer.recordSeconds(100)
        Recorder(label: "mien_batch_size", factory: registry).record(3)
        let lines = registry.text().split(separator: "\n").map(String.init)
        for line in [
            "# TYPE mien_jobs_total counter",
            #"mien_jobs_total{outcome="a\"b\\c\nd",stage="vision"} 3"#,
            "# TYPE mien_depth gauge", "mien_depth 1.5",
            "# TYPE mien_stage_seconds histogram", #"mien_stage_seconds_bucket{stage="vision",le="0.0025"} 0"#,
            #"mien_stage_seconds_bucket{stage="vision",le="0.005"} 1"#,
            #"mien_stage_seconds_bucket{stage="vision",le="60"} 1"#,
            #"mien_stage_seconds_bucket{stage="vision",le="+Inf"} 2"#,
            #"mien_stage_seconds_sum{stage="vision"} 100.004"#, #"mien_stage_seconds_count{stage="vision"} 2"#,
            #"mien_batch_size_bucket{le="2"} 0"#, #"mien_batch_size_bucket{le="4"} 1"#, "mien_batch_size_count 1",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test func aNameKeepsItsKind() {
        let registry = PrometheusRegistry()
        Counter(label: "a", factory: registry).increment()
        Meter(label: "a", factory: registry).set(7)
        #expect(registry.text().contains("a 1\n"))
        #expect(!registry.text().contains("7"))
    }
}

@Suite struct AdminServerTests {
    private static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func application(_ checks: [ReadinessCheck]) -> some ApplicationProtocol {
        let registry = PrometheusRegistry()
        Counter(label: "mien_jobs_total", factory: registry).increment()
        return AdminServer(
            AdminAddress(port: 0), readiness: Readiness(checks), metrics: registry, logger: Self.silence
        ).application()
    }

    @Test func itSaysWhatAnOperatorAsks() async throws {
        try await application([]).test(.router) { client in
            try await client.execute(uri: "/healthz", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: "/readyz", method: .get) { response in
                #expect(response.status == .ok)
                #expect(String(buffer: response.body) == "{\"ready\":true,\"failing\":{}}\n")
            }
            try await client.execute(uri: "/metrics", method: .get) { response in
                let text = String(buffer: response.body)
                #expect(text.contains("mien_jobs_total 1\n"))
                #expect(text.contains("process_resident_memory_bytes "))
                #expect(response.headers[.contentType]?.contains("version=0.0.4") == true)
            }
        }
    }

    @Test func itNamesWhatFails() async throws {
        let checks = [
            ReadinessCheck("database") { throw NotReady(reason: "it is \"away\"") },
            ReadinessCheck("broker", { true }, otherwise: "unseen"),
            ReadinessCheck("gallery", { false }, otherwise: "it is loading"),
        ]
        try await application(checks).test(.router) { client in
            try await client.execute(uri: "/readyz", method: .get) { response in
                #expect(response.status == .serviceUnavailable)
                #expect(
                    String(buffer: response.body)
                        == #"{"ready":false,"failing":{"database":"it is \"away\"","gallery":"it is loading"}}"# + "\n")
            }
        }
    }

    @Test func aServiceThatStopsIsNotReady() async throws {
        let readiness = Readiness([])
        #expect(await readiness.failures().isEmpty)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await readiness.run() }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        #expect(await readiness.failures()["service"] != nil)
    }
}

@Suite struct ServiceRunnerTests {
    private struct Failing: Service {
        struct Reason: Error {}
        func run() async throws { throw Reason() }
    }

    @Test func itNeedsAPortForTheOperator() throws {
        let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        for values in [[:], ["admin.port": "seventy"]] {
            #expect(throws: SettingsError.self) {
                try ServiceRunner(
                    name: "test", settings: Settings(values), logger: silence, metrics: PrometheusRegistry())
            }
        }
    }

    @Test func itEndsWithTheServiceThatFails() async throws {
        let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let runner = try ServiceRunner(
            name: "test", settings: Settings(["admin.port": "0"]), logger: silence, metrics: PrometheusRegistry())
        await #expect(throws: Failing.Reason.self) {
            try await runner.run(
                ServiceRunner.Assembly(services: [Failing()], readiness: []), gracefulShutdownSignals: [],
                cancellation: .seconds(120))
        }
    }
}
