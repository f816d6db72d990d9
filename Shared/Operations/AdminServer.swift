internal import HTTPTypes
package import Hummingbird
package import Logging
internal import ServiceLifecycle

/// What an operator and a supervisor ask, on a port of its own that is not the clients':
/// `/healthz` (the process lives), `/readyz` (200 when it can take work, else 503; JSON says what fails), `/metrics`.
package struct AdminServer: Service {
    private let address: AdminAddress
    private let readiness: Readiness
    private let metrics: PrometheusRegistry
    private let logger: Logger

    package init(_ address: AdminAddress, readiness: Readiness, metrics: PrometheusRegistry, logger: Logger) {
        self.address = address
        self.readiness = readiness
        self.metrics = metrics
        // The server's own chatter is of no use to an operator.
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        self.logger = logger
    }

    package func run() async throws {
        try await application().run()
    }

    /// The server before it runs.
    package func application() -> some ApplicationProtocol {
        let router = Router()
        let (readiness, metrics) = (readiness, metrics)
        router.get("healthz") { _, _ in "ok\n" }
        router.get("readyz") { _, _ in
            let failures = await readiness.failures()
            var json = "{\"ready\":\(failures.isEmpty),\"failing\":"
            JSONText.append(.dictionary(failures.mapValues { .string($0) }), to: &json)
            return Response(
                status: failures.isEmpty ? .ok : .serviceUnavailable,
                headers: [.contentType: "application/json", .cacheControl: "no-store"],
                body: .init(byteBuffer: ByteBuffer(string: json + "}\n")))
        }
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: ProcessMetrics.text() + metrics.text())))
        }
        return Application(
            responder: router.buildResponder(),
            configuration: .init(address: .hostname(address.host, port: address.port), serverName: nil), logger: logger)
    }
}

/// Where the admin server listens.
package struct AdminAddress: Sendable {
    package var host: String
    package var port: Int

    /// Port 0 takes any free port.
    package init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }
}
