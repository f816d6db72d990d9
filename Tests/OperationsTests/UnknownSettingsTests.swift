import Configuration
import Foundation
import Testing

@testable import Operations

/// What is misspelt is said, with what it may have been meant for; it never just does nothing.
@Suite struct UnknownSettingsTests {
    private func load(_ arguments: [String] = [], _ environment: [String: String] = [:]) async -> String? {
        do {
            _ = try await Settings.load(
                arguments: arguments, commands: ["serve", "train"], environment: environment)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(
        arguments: [
            (["--http-prot", "8080"], "--http-prot is not known here: did you mean --http-port?"),
            (["--http_port=8080"], "--http_port is not known here: did you mean --http-port?"),
            (["trian", "ratings.csv"], "trian is not known here: did you mean train?"),
            (["--http-port", "8080", "serv"], "serv is not known here: did you mean serve?"),
            (
                ["--gateway-securecookie"],
                "--gateway-securecookie is not known here: did you mean --gateway-secure-cookie?"
            ),
        ])
    func arguments(_ arguments: [String], _ sentence: String) async {
        #expect(await load(arguments) == sentence)
    }

    @Test(
        arguments: [
            ("GATEWAY_SECURECOOKIE", "GATEWAY_SECURE_COOKIE"), ("gateway.secureCookie", "GATEWAY_SECURE_COOKIE"),
            ("DATABASE_URI", "DATABASE_URL"), ("BROKER_PASWSORD", "BROKER_PASSWORD"), ("http_port", "HTTP_PORT"),
            ("MIEN_CONFG", "MIEN_CONFIG"),
        ])
    func variables(_ name: String, _ nearest: String) async {
        #expect(await load([], [name: "1"]) == "\(name) is not known here: did you mean \(nearest)?")
    }

    @Test(
        arguments: [
            "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "NO_PROXY", "PATH", "HOME", "HOSTNAME", "LANG", "CONFIG",
            "MIEN_HOME", "MIEN_BIN", "MIEN_MODELS", "MIEN_HTTP_PORT", "VISION", "GATEWAY", "OPENBLAS_CORETYPE",
            "GATEWAY_PORT_8080_TCP", "GATEWAY_PORT_8080_TCP_ADDR", "BROKER_SERVICE_HOST", "BROKER_SERVICE_PORT_AMQP",
            "KUBERNETES_PORT", "KUBERNETES_SERVICE_HOST",
        ])
    func otherPeoplesVariables(_ name: String) async {
        #expect(await load([], [name: "/nowhere/at-all"]) == nil)
    }

    @Test func kubernetesDoesNotSetAPort() async throws {
        let environment = ["BROKER_PORT": "tcp://10.96.0.7:5672", "HTTP_PORT": "tcp://10.96.0.8:80"]
        let settings = try await Settings.load(arguments: [], environment: environment)
        #expect(try settings.integer("broker.port", default: 5672) == 5672)
        #expect(try settings.integer("http.port", default: 8080) == 8080)
    }

    @Test(
        arguments: [
            (#"{"http": {"prot": 1}}"#, "http.prot is not known here: did you mean http.port?"),
            (#"{"http": {"idle_timeout": 1}}"#, "http.idle_timeout is not known here: did you mean http.idleTimeout?"),
            (#"{"http": 8080}"#, "http is not known here: did you mean http.host?"),
            (#"{"http": {"port": [1, 2]}}"#, #"the setting http.port is "[…]" and must be a single value"#),
        ])
    func keysOfTheFile(_ json: String, _ sentence: String) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "mien-\(UUID()).json")
        try Data(json.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(await load(["--config", file.path(percentEncoded: false)]) == sentence)
    }

    @Test func theCommandLineKeepsItsValuesWhole() async throws {
        let settings = try await Settings.load(
            arguments: [
                "--broker-password", "a,b=c", "--gateway-secure-cookie", "--keywords-happy", "funny", "cats",
                "--database-url=postgresql://x/y?a=b", "--als-seed", "-1",
            ], environment: [:])
        #expect(settings.secret("broker.password") == "a,b=c")
        #expect(try settings.flag("gateway.secureCookie", default: false))
        #expect(settings.reader.stringArray(forKey: "keywords.happy") == ["funny", "cats"])
        #expect(settings.secret("database.url") == "postgresql://x/y?a=b")
        #expect(settings.text("als.seed") == "-1")
    }

    @Test func distancesCountEdits() {
        #expect(editDistance("trian", "train") == 1)
        #expect(editDistance("HTTP_PROXY", "HTTP_PORT") == 3)
        #expect(editDistance("secureCookie", "SECURE_COOKIE") == 0)
        #expect(editDistance("", "abc") == 3)
        #expect(nearestSpelling(to: "x", among: [String]()) == nil)
    }
}
