package import Configuration
internal import FoundationEssentials
internal import SystemPackage

/// What a service was told, by dotted keys. The first source that has a key wins:
///
/// 1. the command line: `--http-port 8080`
/// 2. the environment: `HTTP_PORT=8080`
/// 3. a folder of secrets, one file a key: `/run/secrets/database-url`; another with `--secrets-directory` or
///    `SECRETS_DIRECTORY`
/// 4. a JSON file, nested: `{"http": {"port": 8080}}`; named by `--config` or `MIEN_CONFIG`
///
/// A value that is there and makes no sense is an error that names the key, never the default; so is a key that no
/// service has, but for variables of the environment that are not nearly one of ours.
package struct Settings: Sendable {
    /// The sources, for whoever needs more than the calls below.
    package let reader: ConfigReader

    package init(_ reader: ConfigReader) {
        self.reader = reader
    }

    /// Settings from a dictionary of dotted keys, for tests.
    package init(_ values: [String: String]) {
        let variables = values.map { key, value in
            (SettingKey(key).variable, value)
        }
        self.init(
            ConfigReader(
                provider: EnvironmentVariablesProvider(
                    environmentVariables: Dictionary(uniqueKeysWithValues: variables))))
    }

    /// Reads the four sources.
    ///
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - commands: what a word that is no setting may have been meant for.
    package static func load(
        arguments: [String] = Array(CommandLine.arguments.dropFirst()), commands: [String] = [],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws(SettingsError) -> Settings {
        let arguments = EnvironmentVariablesProvider(
            environmentVariables: try CommandLineSettings(arguments, commands: commands).variables)
        let environment = EnvironmentVariablesProvider(
            environmentVariables: try EnvironmentSettings(environment).variables)
        let first = ConfigReader(providers: [arguments, environment])
        var providers: [any ConfigProvider] = [arguments, environment]
        let secrets = first.string(forKey: "secrets.directory")
        do {
            providers.append(
                try await DirectoryFilesProvider(
                    directoryPath: FilePath(secrets ?? "/run/secrets"), allowMissing: secrets == nil))
        } catch {
            throw .unreadable(file: secrets ?? "/run/secrets", reason: "\(error)")
        }
        if let file = first.string(forKey: "mien.config") {
            do {
                try FileSettings.check(try Data(contentsOf: URL(filePath: file)))
                providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(file)))
            } catch let error as SettingsError {
                throw error
            } catch {
                throw .unreadable(file: file, reason: "\(error)")
            }
        }
        return Settings(ConfigReader(providers: providers))
    }

    // MARK: Reading

    /// A text, or `nil` when it is not set.
    package func text(_ key: String) -> String? {
        plainText(key)
    }

    /// A text.
    package func text(_ key: String, default: String) -> String {
        text(key) ?? `default`
    }

    /// A text that no log may show, or `nil` when it is not set.
    package func secret(_ key: String) -> String? {
        plainText(key, isSecret: true)
    }

    /// A whole number within a range.
    package func integer(
        _ key: String, default: Int, in range: ClosedRange<Int> = 0...Int.max
    ) throws(SettingsError) -> Int {
        try value(key, "a whole number \(Self.words(range))") { Int($0) }.map { number throws(SettingsError) in
            guard range.contains(number) else {
                throw .invalid(key: key, value: "\(number)", wanted: "a whole number \(Self.words(range))")
            }
            return number
        } ?? `default`
    }

    /// A number within a range.
    package func number(
        _ key: String, default: Double, in range: ClosedRange<Double> = 0...Double.greatestFiniteMagnitude
    ) throws(SettingsError) -> Double {
        try value(key, "a number") { Double($0) }.map { number throws(SettingsError) in
            guard range.contains(number) else {
                throw .invalid(key: key, value: "\(number)", wanted: "in \(range.lowerBound)...\(range.upperBound)")
            }
            return number
        } ?? `default`
    }

    /// `true` or `false`.
    package func flag(_ key: String, default: Bool) throws(SettingsError) -> Bool {
        try value(key, "true or false") { text in
            switch text.lowercased() {
            case "true", "yes", "on", "1", "": true
            case "false", "no", "off", "0": false
            default: nil
            }
        } ?? `default`
    }

    /// A length of time in seconds, not negative, or above 0 where one of 0 makes no sense; fractions are allowed.
    package func duration(
        _ key: String, default: Duration, aboveZero: Bool = false
    ) throws(SettingsError) -> Duration {
        try value(key, aboveZero ? "more than 0 seconds" : "seconds") { text in
            guard let seconds = Double(text), seconds >= 0, seconds < 1e9, seconds > 0 || !aboveZero else { return nil }
            return .seconds(seconds)
        } ?? `default`
    }

    /// One of an enumeration's raw values.
    package func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default: Choice
    ) throws(SettingsError) -> Choice where Choice.RawValue == String {
        let wanted = "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return try value(key, wanted) { Choice(rawValue: $0) } ?? `default`
    }

    private func value<T>(
        _ key: String, _ wanted: String, _ parse: (String) -> T?
    ) throws(SettingsError) -> T? {
        guard let text = plainText(key) else { return nil }
        guard let value = parse(text) else { throw .invalid(key: key, value: text, wanted: wanted) }
        return value
    }

    /// A value as text, whatever its type in a JSON file is.
    private func plainText(_ key: String, isSecret: Bool = false) -> String? {
        let key = ConfigKey(key)
        return reader.string(forKey: key, isSecret: isSecret)
            ?? reader.int(forKey: key, isSecret: isSecret).map { "\($0)" }
            ?? reader.double(forKey: key, isSecret: isSecret).map { "\($0)" }
            ?? reader.bool(forKey: key, isSecret: isSecret).map { "\($0)" }
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max ? "of at least \(range.lowerBound)" : "in \(range.lowerBound)...\(range.upperBound)"
    }
}

/// Why a setting cannot be used. Its description is one sentence for whoever starts the service.
package enum SettingsError: Error, Hashable, CustomStringConvertible {
    case missing(key: String)
    case invalid(key: String, value: String, wanted: String)
    case unreadable(file: String, reason: String)
    /// A word, flag, variable or key that means nothing here, and what it may have been meant for.
    case unknown(String, nearest: String?)

    package var description: String {
        switch self {
        case .missing(let key):
            "the setting \(key) is missing: pass \(SettingKey(key).flag) or set \(SettingKey(key).variable)"
        case .invalid(let key, let value, let wanted):
            "the setting \(key) is \"\(value)\" and must be \(wanted)"
        case .unreadable(let file, let reason):
            "the settings in \(file) cannot be read: \(reason)"
        case .unknown(let text, let nearest):
            "\(text) is not known here" + (nearest.map { ": did you mean \($0)?" } ?? "")
        }
    }
}
