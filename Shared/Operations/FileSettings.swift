internal import FoundationEssentials

/// The keys of a JSON file of settings: `{"http": {"port": 8080}}` has `http.port`.
struct FileSettings {
    private indirect enum Value: Decodable {
        case object([String: Value])
        case list
        case single

        init(from decoder: any Decoder) throws {
            if let members = try? [String: Value](from: decoder) {
                self = .object(members)
            } else {
                self = (try? decoder.unkeyedContainer()) == nil ? .single : .list
            }
        }
    }

    /// Refuses keys that no service has and values that no setting takes.
    static func check(_ json: Data) throws(SettingsError) {
        // What is no JSON at all is said by whoever reads the values.
        guard let root = try? JSONDecoder().decode(Value.self, from: json) else { return }
        try check(root, "")
    }

    private static func check(_ value: Value, _ path: String) throws(SettingsError) {
        if case .object(let members) = value {
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                try check(member, path.isEmpty ? name : "\(path).\(name)")
            }
            return
        }
        let key = SettingKey(path)
        guard SettingKey.all.contains(key) else {
            throw .unknown(path, nearest: nearestSpelling(to: path, among: SettingKey.all.map(\.name)))
        }
        if case .list = value, !key.isList { throw .invalid(key: path, value: "[…]", wanted: "a single value") }
    }
}
