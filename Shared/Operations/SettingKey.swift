/// A setting by its dotted name, and how each source spells it: `http.idleTimeout` is `--http-idle-timeout` on the
/// command line and `HTTP_IDLE_TIMEOUT` in the environment.
struct SettingKey: Hashable, Sendable {
    let name: String

    init(_ name: String) {
        self.name = name
    }

    /// On the command line.
    var flag: String { "--" + words.joined(separator: "-").lowercased() }

    /// In the environment.
    var variable: String { words.joined(separator: "_").uppercased() }

    /// Whether it may have several values.
    var isList: Bool { name.hasPrefix("keywords.") }

    private var words: [Substring] {
        name.replacing(/[a-z](?=[A-Z])/) { $0.output + "." }.split(separator: ".")
    }
}

extension SettingKey {
    /// Every setting of the suite. The services may share an environment and a file, so that each must know what is
    /// meant for another; docs/settings.md says what they mean.
    static let all = Set(
        """
        admin.host admin.port
        als.alpha als.engine als.interval als.iterations als.keep als.keepDays als.lambda als.minimumNewRatings als.rank
        als.rows als.seed als.threads
        broker.host broker.password broker.port broker.user broker.vhost
        click.weight
        database.connections database.url
        gateway.anonymousRetention gateway.deadline gateway.erasureLedger gateway.jobLimit gateway.jobRetention
        gateway.longestWait
        gateway.maximumImageBytes gateway.requireConsent gateway.secureCookie gateway.sweepInterval
        http.allowedHosts http.bodyMemory http.bodyTimeout http.host http.idleTimeout http.maximumConnections http.port
        http.writeTimeout
        identity.batch identity.concurrency identity.sweepInterval identity.templates identity.threads
        keywords.happy keywords.neutral keywords.surprised keywords.upset
        like.weight
        log.level
        mien.config
        models.directory models.previous
        recommender.sweepInterval
        secrets.directory
        shutdown.timeout
        stage.concurrency
        vision.batch vision.batchWait vision.maximumImageBytes vision.maximumImageMemory vision.maximumImagePixels
        vision.maximumImageWork vision.precision vision.side vision.smallestFace vision.threads
        youtube.key youtube.timeout youtube.url
        """.split { $0 == " " || $0 == "\n" }.map { SettingKey(String($0)) })
}
