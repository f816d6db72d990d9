import COpenVINO
package import ModelManifest

/// A compiled network: what any number of requests share.
///
/// `@unchecked Sendable`: the handle never changes, and OpenVINO's compiled model, which is only asked for new requests
/// and its ports, may be used from any thread.
package final class LoadedNetwork: @unchecked Sendable {
    package let network: Network
    /// What the manifest calls it.
    let name: String
    /// OpenVINO's; lives as long as this.
    let handle: OpaquePointer

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
        guard let shape = try shape(of: input.name, port: ov_compiled_model_input_by_name) else {
            throw .missingTensor(network: name, tensor: input.name)
        }
        // -1 is a dimension of any size; the batch must be one.
        let wanted = [-1, input.colour.channels, input.height, input.width]
        let fits = shape.count == 4 && zip(shape, wanted).allSatisfy { $0 == -1 || $0 == $1 } && shape[0] == -1
        guard fits else {
            throw .mismatch(network: name, tensor: input.name, expected: "\(wanted)", actual: "\(shape)")
        }
        for (output, width) in network.outputs.sorted(by: { $0.key < $1.key }) {
            guard let shape = try self.shape(of: output, port: ov_compiled_model_output_by_name) else {
                throw .missingTensor(network: name, tensor: output)
            }
            let actual = shape.count > 1 ? "\(shape[1]) wide" : "of shape \(shape)"
            guard shape.count > 1, shape[1] == width else {
                throw .mismatch(network: name, tensor: output, expected: "\(width)", actual: actual)
            }
        }
    }

    /// Refuses a network whose manifest entry gives an output another width.
    func requireOutputs(_ wanted: [String: Int]) throws(InferenceError) {
        for (output, width) in wanted.sorted(by: { $0.key < $1.key }) {
            let actual = network.outputs[output, default: 0]
            guard actual == width else {
                throw .unsupported(
                    network: name, reason: "its output \"\(output)\" is \(actual) wide, and \(width) is needed")
            }
        }
    }

    /// The shape of a tensor, which must be of float32; -1 for a dimension of any size. `nil` when there is none of that name.
    private func shape(
        of tensor: String,
        port find: (OpaquePointer, UnsafePointer<CChar>, UnsafeMutablePointer<OpaquePointer?>) -> ov_status_e
    ) throws(InferenceError) -> [Int]? {
        var port: OpaquePointer?
        guard find(handle, tensor, &port) == OK, let port else { return nil }
        defer { ov_output_const_port_free(port) }
        var element = ov_element_type_e(rawValue: 0)
        var shape = ov_partial_shape_t()
        try check(ov_port_get_element_type(port, &element), "read a tensor's type")
        guard element == F32 else {
            throw .unsupported(network: name, reason: "its tensor \"\(tensor)\" is not of float32")
        }
        try check(ov_port_get_partial_shape(port, &shape), "read a tensor's shape")
        defer { ov_partial_shape_free(&shape) }
        return (0..<Int(shape.rank.max)).map { axis in
            let dimension = shape.dims[axis]
            return dimension.min == dimension.max ? Int(dimension.max) : -1
        }
    }
}
