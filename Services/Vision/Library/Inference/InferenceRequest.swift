import COpenVINO
import ModelManifest

/// One inference at a time on a loaded network. Not for sharing: whoever runs it owns it.
final class InferenceRequest {
    let network: LoadedNetwork
    private let handle: OpaquePointer
    private let outputs: [String]

    init(_ network: LoadedNetwork) throws(InferenceError) {
        var request: OpaquePointer?
        try check(ov_compiled_model_create_infer_request(network.handle, &request), "make a request")
        guard let request else { throw .failed(operation: "make a request", reason: "no request") }
        self.network = network
        handle = request
        outputs = network.network.outputs.keys.sorted()
    }

    deinit {
        ov_infer_request_free(handle)
    }

    /// Runs the network over pictures of exactly its input's size.
    func infer(_ pictures: [RGBImage]) throws(InferenceError) -> [String: Tensor] {
        let description = network.network.input
        let size = description.colour.channels * description.height * description.width
        var input = Tensor(
            zeros: [pictures.count, description.colour.channels, description.height, description.width])
        input.values.withUnsafeMutableBufferPointer { values in
            for (index, picture) in pictures.enumerated() {
                description.write(picture, into: values.baseAddress! + index * size)
            }
        }
        return try infer(&input)
    }

    /// Runs the network and returns its outputs by name. Blocks for as long as that takes.
    ///
    /// - Parameter input: batch x channels x height x width; read where it lies.
    func infer(_ input: inout Tensor) throws(InferenceError) -> [String: Tensor] {
        let shape = input.shape.map(Int64.init)
        try input.values.withUnsafeMutableBufferPointer { (values) throws(InferenceError) in
            try infer(values, shape: shape)
        }
        var results: [String: Tensor] = [:]
        for name in outputs { results[name] = try output(name) }
        return results
    }

    private func infer(_ values: UnsafeMutableBufferPointer<Float>, shape: [Int64]) throws(InferenceError) {
        var dimensions = shape
        var tensor: OpaquePointer?
        // OpenVINO copies the dimensions and keeps the pointer to the values, which outlive the inference.
        let status = dimensions.withUnsafeMutableBufferPointer {
            ov_tensor_create_from_host_ptr(
                F32, ov_shape_t(rank: Int64($0.count), dims: $0.baseAddress), values.baseAddress, &tensor)
        }
        try check(status, "wrap an input")
        defer { ov_tensor_free(tensor) }
        try check(ov_infer_request_set_tensor(handle, network.network.input.name, tensor), "set an input")
        try check(ov_infer_request_infer(handle), "run the network \"\(network.name)\"")
    }

    private func output(_ name: String) throws(InferenceError) -> Tensor {
        var tensor: OpaquePointer?
        try check(ov_infer_request_get_tensor(handle, name, &tensor), "read an output")
        defer { ov_tensor_free(tensor) }
        var shape = ov_shape_t()
        try check(ov_tensor_get_shape(tensor, &shape), "read an output's shape")
        defer { ov_shape_free(&shape) }
        var data: UnsafeMutableRawPointer?
        try check(ov_tensor_data(tensor, &data), "read an output's values")
        let dimensions = (0..<Int(shape.rank)).map { Int(shape.dims[$0]) }
        let count = dimensions.reduce(1, *)
        guard let data else { throw .failed(operation: "read an output's values", reason: "none there") }
        let values = UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float.self), count: count)
        return Tensor(shape: dimensions, values: [Float](values))
    }
}
