internal import COpenBLAS
internal import Glibc

/// The library as a whole: which kernels it runs and on how many threads.
package enum OpenBLAS {
    /// What OpenBLAS reads its kernels' name from, once, when it is loaded.
    private static let variable = "OPENBLAS_CORETYPE"

    /// The kernels in use, as `Haswell` or `SkylakeX`: name it beside every figure.
    package static var coreName: String {
        openblas_get_corename().map { String(cString: $0) } ?? ""
    }

    /// How many threads one call may use. A caller that has threads of its own wants 1.
    package static func setThreads(_ count: Int) {
        openblas_set_num_threads(Int32(max(1, count)))
    }

    /// Makes sure of the fastest kernels that this processor has; the first thing in main.
    ///
    /// Debian's OpenBLAS 0.3.21 takes SSE3 kernels on processors newer than itself, four times too slow. It reads its
    /// variable when it is loaded, before main: so the process starts itself once more, with the variable set and all
    /// else the same. Does nothing when the kernels are right already or the user has set the variable.
    package static func chooseKernel() {
        guard getenv(variable) == nil, let core = KernelCore.better(than: coreName, flags: processorFlags()) else {
            return
        }
        setenv(variable, core.rawValue, 1)
        // The link's target names the process properly in `ps`; the link itself still works if the file was replaced.
        for path in [linkTarget("/proc/self/exe"), "/proc/self/exe"] {
            if let path { execv(path, CommandLine.unsafeArgv) }
        }
        // Slow kernels are better than no service.
        unsetenv(variable)
    }

    /// What the processor and the system can do, by Linux's names.
    private static func processorFlags() -> Set<Substring> {
        guard let file = fopen("/proc/cpuinfo", "r") else { return [] }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, file) > 0, let text = line.map({ String(cString: $0) }) {
            guard text.hasPrefix("flags"), let colon = text.firstIndex(of: ":") else { continue }
            return Set(text[text.index(after: colon)...].split(whereSeparator: \.isWhitespace))
        }
        return []
    }

    private static func linkTarget(_ path: String) -> String? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard readlink(path, &target, target.count - 1) > 0 else { return nil }
        return String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The kernels worth asking for by name.
enum KernelCore: String {
    case skylakeX = "SKYLAKEX"
    case haswell = "HASWELL"

    /// OpenBLAS's names for kernels made for AVX-512 and for AVX2 with FMA.
    private static let wide: Set<String> = ["SKYLAKEX", "COOPERLAKE", "SAPPHIRERAPIDS"]
    private static let middle: Set<String> = ["HASWELL", "ZEN", "EXCAVATOR"]

    /// Kernels better than the ones in use that the processor can run; `nil` when there are none.
    static func better(than name: String, flags: Set<Substring>) -> KernelCore? {
        let name = name.uppercased()
        if wide.contains(name) { return nil }
        if flags.isSuperset(of: ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"]) { return .skylakeX }
        if middle.contains(name) { return nil }
        return flags.isSuperset(of: ["avx2", "fma"]) ? .haswell : nil
    }
}
