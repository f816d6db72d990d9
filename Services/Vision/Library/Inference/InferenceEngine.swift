import COpenVINO
import Glibc
import ModelManifest
import Processor

/// Owns OpenVINO's core: loads networks onto the CPU.
struct InferenceEngine: ~Copyable {
    private let core: OpaquePointer
    private let precision: Precision
    private let lanes: Int

    /// - Parameter lanes: how many inferences run at once, each on one thread.
    init(precision: Precision, lanes: Int) throws(InferenceError) {
        guard precision.isAvailable else { throw .precision(precision) }
        if BFloat16.hidesTiles {
            // oneDNN would use them. Before the CPU plugin loads: it is read once. Whoever set it already knows better.
            setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16", 0)
        }
        var core: OpaquePointer?
        try check(ov_core_create(&core), "start")
        guard let core else { throw .failed(operation: "start", reason: "no core") }
        self.core = core
        self.precision = precision
        self.lanes = lanes
    }

    deinit {
        ov_core_free(core)
    }

    /// Checks a network's files against the manifest, compiles it, and checks its tensors against the manifest.
    ///
    /// - Parameter name: what the manifest calls it, for errors.
    func load(_ network: Network, name: String, of manifest: ModelManifest) throws(InferenceError) -> LoadedNetwork {
        do {
            try manifest.verify(network)
        } catch {
            throw .manifest(error)
        }
        var model: OpaquePointer?
        let graph = manifest.path(of: network.graph)
        let read = ov_core_read_model(core, graph, manifest.path(of: network.weights), &model)
        guard read == OK, let model else { throw .unreadable(network: name, reason: lastReason(read)) }
        defer { ov_model_free(model) }
        var compiled: OpaquePointer?
        let status = Self.withProperties([
            ("INFERENCE_PRECISION_HINT", precision.rawValue),
            ("NUM_STREAMS", "\(lanes)"),
            ("INFERENCE_NUM_THREADS", "\(lanes)"),
            ("ENABLE_CPU_PINNING", "NO"),
        ]) { ov_core_compile_model_props(core, model, "CPU", $0.count, $0.baseAddress, &compiled) }
        guard status == OK, let compiled else { throw .unreadable(network: name, reason: lastReason(status)) }
        let loaded = LoadedNetwork(compiled, network: network, name: name)
        try loaded.checkTensors()
        return loaded
    }

    /// Lends OpenVINO's array form of named properties, whose values are C strings.
    private static func withProperties<R>(
        _ properties: [(String, String)], _ body: (UnsafeBufferPointer<ov_property_t>) -> R
    ) -> R {
        let texts = properties.map { (strdup($0.0)!, strdup($0.1)!) }
        defer {
            for (key, value) in texts {
                free(key)
                free(value)
            }
        }
        return texts.map { ov_property_t(key: UnsafePointer($0.0), value: UnsafeRawPointer($0.1)) }
            .withUnsafeBufferPointer(body)
    }
}
