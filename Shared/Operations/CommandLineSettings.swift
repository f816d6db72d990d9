/// Settings on the command line: `--http-port 8080` or `--http-port=8080`; a flag alone is true, a list has several
/// values or one with commas.
struct CommandLineSettings {
    /// Values by the setting's variable, as the environment would give them.
    private(set) var variables: [String: String] = [:]

    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - commands: the words that might have been meant by one that stands alone.
    init(_ arguments: [String], commands: [String]) throws(SettingsError) {
        var flags = Dictionary(uniqueKeysWithValues: SettingKey.all.map { ($0.flag, $0) })
        flags["--config"] = SettingKey("mien.config")
        var current: (key: SettingKey, values: [String])?
        for argument in arguments {
            guard argument.hasPrefix("--") else {
                guard let key = current?.key, key.isList || current?.values.isEmpty == true else {
                    throw .unknown(
                        argument, nearest: nearestSpelling(to: argument, among: commands + flags.keys.sorted()))
                }
                current?.values.append(argument)
                continue
            }
            take(current)
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let key = flags[parts[0]] else {
                throw .unknown(parts[0], nearest: nearestSpelling(to: parts[0], among: flags.keys))
            }
            guard parts.count == 1 else {
                take((key, [parts[1]]))
                current = nil
                continue
            }
            current = (key, [])
        }
        take(current)
    }

    private mutating func take(_ setting: (key: SettingKey, values: [String])?) {
        guard let (key, values) = setting else { return }
        variables[key.variable] = values.joined(separator: ",")
    }
}
