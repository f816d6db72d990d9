internal import Glibc
package import Logging
internal import Metrics
package import ServiceLifecycle
package import UnixSignals

/// The frame of a service's process: settings, logs, metrics, the admin server, an orderly end.
///
/// Settings read here: `admin.port` (required, 0...65535), `admin.host` (default 127.0.0.1), `log.level` (trace, debug,
/// info, notice, warning, error, critical; default info), `shutdown.timeout` (seconds for a graceful end; default 20),
/// and what `Settings.load` itself reads: `mien.config`, `secrets.directory`.
package struct ServiceRunner: Sendable {
    package let name: String
    package let settings: Settings
    package let logger: Logger
    package let metrics: PrometheusRegistry
    private let admin: AdminAddress
    private let timeout: Duration

    /// What a service consists of, in the order of starting; stopping goes backwards.
    package struct Assembly: Sendable {
        /// Database and publisher first, then the stage or the HTTP server.
        package var services: [any Service]
        /// What must hold before the service can take work.
        package var readiness: [ReadinessCheck]

        package init(services: [any Service], readiness: [ReadinessCheck]) {
            self.services = services
            self.readiness = readiness
        }
    }

    /// Reads the frame's settings. `logger` and `metrics` are the process's own once `main` has bootstrapped them.
    package init(
        name: String, settings: Settings, logger: Logger, metrics: PrometheusRegistry
    ) throws(SettingsError) {
        guard settings.text("admin.port") != nil else { throw .missing(key: "admin.port") }
        admin = AdminAddress(
            host: settings.text("admin.host", default: "127.0.0.1"),
            port: try settings.integer("admin.port", default: 0, in: 0...65535))
        timeout = try settings.duration("shutdown.timeout", default: .seconds(20))
        self.name = name
        self.settings = settings
        self.logger = logger
        self.metrics = metrics
    }

    /// A service's whole main: reads settings, bootstraps logs and metrics, assembles, runs until SIGTERM or SIGINT.
    /// On failure it says why in one line on stderr and exits: 78 for settings, 1 for anything else.
    ///
    /// - Parameters:
    ///   - arguments: of the command line, without the program's name and a command's.
    ///   - commands: the program's commands, for whoever misspells one.
    package static func main(
        _ name: String, arguments: [String] = Array(CommandLine.arguments.dropFirst()), commands: [String] = [],
        assemble: @Sendable (ServiceRunner) async throws -> Assembly
    ) async {
        if arguments.contains("--help") || arguments.contains("-h") {
            print(
                "USAGE: \(name) [--KEY VALUE ...]\n\nSettings also come from the environment; docs/settings.md has the table."
            )
            exit(0)
        }
        do {
            signal(SIGPIPE, SIG_IGN)
            let settings = try await Settings.load(arguments: arguments, commands: commands)
            let level = try settings.choice("log.level", default: Logger.Level.info)
            LoggingSystem.bootstrap { _ in JSONLogHandler(service: name, level: level) }
            let metrics = PrometheusRegistry()
            MetricsSystem.bootstrap(metrics)
            let runner = try ServiceRunner(
                name: name, settings: settings, logger: Logger(label: name), metrics: metrics)
            try await runner.run(try await assemble(runner))
        } catch {
            JSONLogHandler.standardError("\(name): \(error)\n")
            exit(error is SettingsError ? 78 : 1)
        }
    }

    /// Runs an assembly behind the admin server until a signal or until one of its services ends.
    ///
    /// - Parameter cancellation: how long services may take to end when they are cancelled, before the process is ended.
    package func run(
        _ assembly: Assembly, gracefulShutdownSignals: [UnixSignal] = [.sigterm, .sigint],
        cancellation: Duration = .seconds(5)
    ) async throws {
        let readiness = Readiness(assembly.readiness)
        let server = AdminServer(admin, readiness: readiness, metrics: metrics, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [server] + assembly.services + [readiness], gracefulShutdownSignals: gracefulShutdownSignals,
            logger: logger)
        configuration.maximumGracefulShutdownDuration = timeout
        configuration.maximumCancellationDuration = cancellation
        logger.info("service starting", metadata: ["admin.host": "\(admin.host)", "admin.port": "\(admin.port)"])
        try await ServiceGroup(configuration: configuration).run()
        logger.info("service stopped")
    }
}
