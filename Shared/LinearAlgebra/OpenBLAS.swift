internal import COpenBLAS
internal import Glibc

/// The library underneath: which kernel it runs, and on how many threads.
package enum OpenBLAS {
    /// The kernel that the library picked for this processor, such as `SkylakeX`.
    package static var coreName: String {
        openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    }

    /// Whether the processor offers far more than the kernel that was picked uses: what is measured on it means nothing.
    package static var isPoor: Bool { betterCore(than: coreName, for: .current) != nil }

    /// How many threads a call may use, in this whole process. Who calls from threads of its own sets 1: a call split again
    /// costs more than it brings, and its results depend on the number of threads.
    package static func use(threads: Int) {
        openblas_set_num_threads(Int32(threads))
    }

    /// Starts this program once more, with `OPENBLAS_CORETYPE` set, when the library picked a kernel far below what the
    /// processor offers.
    ///
    /// OpenBLAS 0.3.21 takes newer Xeons for processors of 2004 (its issue 4267) and reads the variable only when it is
    /// loaded, before `main`. Call this first of all. The user's own value is never overruled; when the program cannot be
    /// started again it goes on as it is.
    package static func chooseKernel() {
        guard getenv(variable) == nil, let better = betterCore(than: coreName, for: .current) else { return }
        setenv(variable, better, 1)
        execv("/proc/self/exe", CommandLine.unsafeArgv)
        unsetenv(variable)
    }

    /// The core type to ask for instead of the one picked, or `nil` when that one will do.
    static func betterCore(than picked: String, for processor: ProcessorFeatures) -> String? {
        let old = ["Prescott", "Core2", "Nehalem", "Sandybridge", "Barcelona", "Generic"]
        let haveNoAVX512 = old + ["Haswell", "Zen"]
        if processor.hasAVX512, haveNoAVX512.contains(picked) { return "SKYLAKEX" }
        if processor.hasAVX2, old.contains(picked) { return "HASWELL" }
        return nil
    }

    private static let variable = "OPENBLAS_CORETYPE"
}

/// What a processor's vector units can do, as far as it decides about a kernel.
struct ProcessorFeatures: Hashable {
    /// AVX2 with fused multiply-add.
    var hasAVX2: Bool
    /// AVX-512 F, CD, BW, DQ and VL: what OpenBLAS's SkylakeX kernel needs.
    var hasAVX512: Bool

    /// The processor this runs on, from the flags that the kernel lists; none when they cannot be read.
    static var current: ProcessorFeatures {
        guard let file = fopen("/proc/cpuinfo", "r") else { return ProcessorFeatures(flags: "") }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, file) > 0, let text = line.map({ String(cString: $0) }) {
            if text.hasPrefix("flags") { return ProcessorFeatures(flags: text) }
        }
        return ProcessorFeatures(flags: "")
    }

    init(flags: String) {
        let flags = Set(flags.split { $0 == " " || $0 == "\t" || $0 == "\n" })
        hasAVX2 = flags.isSuperset(of: ["avx2", "fma"])
        hasAVX512 = hasAVX2 && flags.isSuperset(of: ["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"])
    }
}
