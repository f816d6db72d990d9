import COpenVINO
import ModelManifest

/// A compiled network: what any number of requests share.
///
/// `@unchecked Sendable`: the handle never changes, and OpenVINO's compiled model, which is only asked for new requests
/// and its ports, may be used from any thread.
final class LoadedNetwork: @unchecked Sendable {
    let network: Network
    /// What the manifest calls it.
    let name: String
    fileprivate let handle: OpaquePointer

    /// Takes ownership of the compiled model.
    init(_ handle: OpaquePointer, network: Network, name: String) {
        self.handle = handle
        self.network = network
        self.name = name
    }

    deinit {
        ov_compiled_model_free(handle)
    }

    /// Checks names, types and sizes of input and outputs against the manifest.
    func checkTensors() throws(InferenceError) {
        let input = network.input
        guard let shape = shape(of: input.name, port: ov_compiled_model_input_by_name) else {
            throw .missingTensor(network: name, tensor: input.name)
        }
        // -1 is a dimension of any size; the batch must be one.
        let wanted = [-1, input.colour.channels, input.height, input.width]
        let fits = shape.count == 4 && zip(shape, wanted).allSatisfy { $0 == -1 || $0 == $1 } && shape[0] == -1
        guard fits else {
            throw .mismatch(network: name, tensor: input.name, expected: "\(wanted)", actual: "\(shape)")
        }
        for (output, width) in network.outputs.sorted(by: { $0.key < $1.key }) {
            guard let shape = self.shape(of: output, port: ov_compiled_model_output_by_name) else {
                throw .missingTensor(network: name, tensor: output)
            }
            let actual = shape.count > 1 ? "\(shape[1]) wide" : "of shape \(shape)"
            guard shape.count > 1, shape[1] == width else {
                throw .mismatch(network: name, tensor: output, expected: "\(width)", actual: actual)
            }
        }
    }

    /// Refuses a network whose manifest entry does not name an output, or names it with another width.
    func requireOutputs(_ wanted: [String: Int]) throws(InferenceError) {
        for (output, width) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let actual = network.outputs[output] else { throw .missingTensor(network: name, tensor: output) }
            guard actual == width else {
                throw .unsupported(
                    network: name, reason: "its output \"\(output)\" is \(actual) wide, and \(width) is needed")
            }
        }
    }

    /// The shape of a float32 tensor, -1 for a dimension of any size; `nil` when there is none of that name.
    private func shape(
        of tensor: String,
        port find: (OpaquePointer, UnsafePointer<CChar>, UnsafeMutablePointer<OpaquePointer?>) -> ov_status_e
    ) -> [Int]? {
        var port: OpaquePointer?
        guard find(handle, tensor, &port) == OK, let port else { return nil }
        defer { ov_output_const_port_free(port) }
        var element = ov_element_type_e(rawValue: 0)
        var shape = ov_partial_shape_t()
        guard ov_port_get_element_type(port, &element) == OK, element == F32,
            ov_port_get_partial_shape(port, &shape) == OK
        else { return nil }
        defer { ov_partial_shape_free(&shape) }
        return (0..<Int(shape.rank.max)).map { axis in
            let dimension = shape.dims[axis]
            return dimension.min == dimension.max ? Int(dimension.max) : -1
        }
    }
}

/// Values in memory, in C order.
struct Tensor: Sendable {
    var shape: [Int]
    var values: [Float]

    init(shape: [Int], values: [Float]) {
        precondition(values.count == shape.reduce(1, *), "a tensor has as many values as its shape says")
        self.shape = shape
        self.values = values
    }

    init(zeros shape: [Int]) {
        self.init(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
    }
}

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
