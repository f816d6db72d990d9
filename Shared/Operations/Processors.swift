internal import FoundationEssentials

/// How many processors there are for this process.
package enum Processors {
    /// Those it may run on, or as many as its container's quota pays for where that is less, rounded up: the default number of
    /// threads of whatever keeps processors busy. Read once.
    package static let usable = usable(
        active: min(ProcessInfo.processInfo.activeProcessorCount, allowed() ?? .max), quota: ProcessorQuota.read())

    /// How many processors this process's affinity and cpuset allow it, existing or not: the mask in `/proc/self/status`.
    static func allowed(root: String = "") -> Int? {
        let lines = text(root + "/proc/self/status").split(separator: "\n")
        guard let mask = lines.first(where: { $0.hasPrefix("Cpus_allowed:") })?.dropFirst("Cpus_allowed:".count) else {
            return nil
        }
        let count = mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
        return count > 0 ? count : nil
    }

    /// A file's text; empty where it cannot be read: then it limits nothing.
    fileprivate static func text(_ path: String) -> String {
        (try? String(contentsOf: URL(filePath: path), encoding: .utf8)) ?? ""
    }

    /// - Parameters:
    ///   - active: processors that the process may run on.
    ///   - quota: processors' worth of time that it may take; `nil` for all there is.
    static func usable(active: Int, quota: Double?) -> Int {
        guard let quota, quota < Double(active) else { return max(active, 1) }
        return max(Int(quota.rounded(.up)), 1)
    }
}

/// The processor time that control groups allow a container, both versions: cgroups(7), the kernel's cgroup-v2.rst and sched-bwc.rst.
enum ProcessorQuota {
    /// The least quota of this process's groups and those above them, in processors; `nil` where none has one.
    ///
    /// - Parameter root: the folder of `proc` and of what is mounted, `/` but in tests.
    static func read(root: String = "") -> Double? {
        let groups = Processors.text(root + "/proc/self/cgroup").split(separator: "\n").compactMap(Group.init)
        let mounts = Processors.text(root + "/proc/self/mountinfo").split(separator: "\n").compactMap(Mount.init)
        return groups.flatMap { group in
            mounts.filter { $0.version == group.version }.flatMap { mount in
                mount.folders(of: group).compactMap { quota(in: root + $0, group.version) }
            }
        }.min()
    }

    /// One folder's quota.
    private static func quota(in folder: String, _ version: Version) -> Double? {
        let words =
            switch version {
            case .one:
                Processors.text(folder + "/cpu.cfs_quota_us") + " " + Processors.text(folder + "/cpu.cfs_period_us")
            case .two: Processors.text(folder + "/cpu.max")
            }
        // Without a quota the first is "max", or -1.
        let numbers = words.split(whereSeparator: \.isWhitespace).map { Double($0) ?? 0 }
        guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
        return numbers[0] / numbers[1]
    }

    private enum Version { case one, two }

    /// A group that the process is in, a line of `/proc/self/cgroup`: `4:cpu,cpuacct:/path`, or `0::/path` of version 2.
    private struct Group {
        let version: Version
        let path: Substring

        init?(_ line: Substring) {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            if fields[0] == "0", fields[1].isEmpty {
                version = .two
            } else if fields[1].split(separator: ",").contains("cpu") {
                version = .one
            } else {
                return nil
            }
            path = fields[2]
        }
    }

    /// Where groups can be seen, a line of `/proc/self/mountinfo`: `36 35 0:31 /root /mount/point rw - cgroup cgroup rw,cpu`.
    private struct Mount {
        let version: Version
        /// The group that is seen at `point`.
        let root: Substring
        let point: Substring

        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { return nil }
            switch fields[dash + 1] {
            case "cgroup2": version = .two
            case "cgroup" where fields[dash + 3].split(separator: ",").contains("cpu"): version = .one
            default: return nil
            }
            (root, point) = (fields[3], fields[4])
        }

        /// The group's folder and all above it that can be seen; the mount itself where the group lies elsewhere, as it may in a
        /// container that does not see its own place.
        func folders(of group: Group) -> [String] {
            let above = root == "/" ? "" : root
            let steps = group.path.dropFirst(above.count).split(separator: "/")
            guard group.path.hasPrefix(above + "/"), !steps.contains("..") else { return [String(point)] }
            return (0...steps.count).map { ([point] + steps.prefix($0)).joined(separator: "/") }
        }
    }
}
