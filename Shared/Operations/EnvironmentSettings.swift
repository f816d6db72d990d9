/// The variables that may be settings. A misspelt one is an error; what is not ours at all is left alone.
struct EnvironmentSettings {
    let variables: [String: String]

    init(_ environment: [String: String]) throws(SettingsError) {
        let known = Set(SettingKey.all.map(\.variable))
        variables = environment.filter { !Self.isKubernetes($0.key, $0.value) }
        for name in variables.keys.sorted() where !known.contains(name) {
            guard let nearest = nearestSpelling(to: name, among: known), Self.isNearMiss(name, of: nearest) else {
                continue
            }
            throw .unknown(name, nearest: nearest)
        }
    }

    /// One letter off in short names, two in longer ones; `HTTP_PROXY` is three from `HTTP_PORT`.
    private static func isNearMiss(_ name: String, of known: String) -> Bool {
        editDistance(name, known) <= (known.count < 12 ? 1 : 2)
    }

    /// What Kubernetes tells each container of every service beside it: for one named `broker`, `BROKER_SERVICE_HOST`
    /// and `BROKER_PORT=tcp://10.0.0.1:5672`.
    private static func isKubernetes(_ name: String, _ value: String) -> Bool {
        name.contains(/_SERVICE_(HOST|PORT(_\w+)?)$/) || name.contains(/_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/)
            || name.hasSuffix("_PORT") && value.contains(/^(tcp|udp|sctp):\/\//)
    }
}
