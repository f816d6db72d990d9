import Foundation
import Testing

@testable import Operations

@Suite struct ProcessorsTests {
    /// A made-up machine: files by their paths, in a folder that `body` gets.
    private func withFiles(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "mien-\(UUID())")
        defer { try? FileManager.default.removeItem(at: root) }
        for (path, text) in files {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: file)
        }
        try body(root.path(percentEncoded: false))
    }

    private static let unified = """
        22 21 0:20 / /proc rw,nosuid - proc proc rw
        31 21 0:27 / /sys/fs/cgroup rw,nosuid,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate
        """
    private static let legacy = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
        34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
        """

    @Test(
        "version 2: a quota of the own group or of one above, the least of them; max is none",
        arguments: [
            (["": "150000 100000"], "/", 1.5 as Double?),
            (["": "max 100000"], "/", nil),
            ([:], "/", nil),
            (["kubepods/pod1": "400000 100000", "kubepods/pod1/c1": "max 100000"], "/kubepods/pod1/c1", 4),
            (["kubepods/pod1": "400000 100000", "kubepods/pod1/c1": "50000 200000"], "/kubepods/pod1/c1", 0.25),
            (["kubepods/pod2": "50000 100000"], "/kubepods/pod1/c1", nil),
            (["": "300000 100000"], "/../../elsewhere", 3),
            (["": "nonsense"], "/", nil), (["": "100000 0"], "/", nil),
        ])
    func unified(quotas: [String: String], group: String, processors: Double?) throws {
        var files = ["proc/self/cgroup": "0::\(group)", "proc/self/mountinfo": Self.unified]
        for (folder, quota) in quotas { files["sys/fs/cgroup/\(folder)/cpu.max"] = quota }
        try withFiles(files) { #expect(ProcessorQuota.read(root: $0) == processors) }
    }

    @Test(
        "version 1: the same, and -1 is none",
        arguments: [
            (["": "250000"], "/", 2.5 as Double?),
            (["": "-1"], "/", nil),
            (["docker/abc": "50000"], "/docker/abc", 0.5),
            (["docker": "120000", "docker/abc": "-1"], "/docker/abc", 1.2),
            (["docker": "120000", "docker/abc": "800000"], "/docker/abc", 1.2),
        ])
    func legacy(quotas: [String: String], group: String, processors: Double?) throws {
        var files = [
            "proc/self/cgroup": "4:cpuset:/elsewhere\n3:cpu,cpuacct:\(group)\n1:name=systemd:/\n0::/",
            "proc/self/mountinfo": Self.legacy, "sys/fs/cgroup/cpuset/cpu.cfs_quota_us": "1",
        ]
        for (folder, quota) in quotas {
            files["sys/fs/cgroup/cpu,cpuacct/\(folder)/cpu.cfs_quota_us"] = quota
            files["sys/fs/cgroup/cpu,cpuacct/\(folder)/cpu.cfs_period_us"] = "100000"
        }
        try withFiles(files) { #expect(ProcessorQuota.read(root: $0) == processors) }
    }

    @Test("a container that sees its own group as the mount's root")
    func container() throws {
        for group in ["/docker/abc", "/docker/abc/inner", "/"] {
            try withFiles([
                "proc/self/cgroup": "3:cpu:\(group)",
                "proc/self/mountinfo": "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu ro,relatime - cgroup cgroup rw,cpu",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            ]) { #expect(ProcessorQuota.read(root: $0) == 2, "\(group)") }
        }
    }

    @Test("where both versions are mounted, the least counts")
    func hybrid() throws {
        try withFiles([
            "proc/self/cgroup": "1:cpu:/a\n0::/b",
            "proc/self/mountinfo": """
            32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
            41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """,
            "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "300000", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/unified/b/cpu.max": "200000 100000",
        ]) { #expect(ProcessorQuota.read(root: $0) == 2) }
    }

    @Test("without any of it there is no quota")
    func none() throws {
        try withFiles([:]) { #expect(ProcessorQuota.read(root: $0) == nil) }
        try withFiles(["proc/self/cgroup": "x\n0:\n", "proc/self/mountinfo": "31 21 - \n - cgroup2"]) {
            #expect(ProcessorQuota.read(root: $0) == nil)
        }
    }

    @Test("the processors that affinity allows are counted in the mask")
    func allowed() throws {
        for (mask, count) in [("3", 2), ("00000000,00000001", 1), ("ff,fffffffe", 39), ("0", nil)] as [(String, Int?)] {
            try withFiles(["proc/self/status": "Name:\tvision\nCpus_allowed:\t\(mask)\nCpus_allowed_list:\t0-7"]) {
                #expect(Processors.allowed(root: $0) == count)
            }
        }
        try withFiles(["proc/self/status": "Name:\tvision"]) { #expect(Processors.allowed(root: $0) == nil) }
        #expect(try #require(Processors.allowed()) >= 1)
    }

    @Test("a quota is rounded up, is at least one processor, and adds none")
    func usable() {
        #expect(Processors.usable(active: 8, quota: nil) == 8)
        #expect(Processors.usable(active: 8, quota: 2) == 2)
        #expect(Processors.usable(active: 8, quota: 1.5) == 2)
        #expect(Processors.usable(active: 8, quota: 0.1) == 1)
        #expect(Processors.usable(active: 2, quota: 6) == 2)
        #expect(Processors.usable >= 1)
    }
}
