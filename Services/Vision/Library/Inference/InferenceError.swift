import COpenVINO
package import ModelManifest

/// Why a network cannot be used. Its description is one sentence.
package enum InferenceError: Error {
    /// The manifest, or a file that it names, is not right.
    case manifest(ModelManifestError)
    /// OpenVINO cannot read or compile the files of a network.
    case unreadable(network: String, reason: String)
    /// The network has no input or output of the name that the manifest gives.
    case missingTensor(network: String, tensor: String)
    /// A tensor of the network is not as wide, or not of the type, that the manifest says.
    case mismatch(network: String, tensor: String, expected: String, actual: String)
    /// The manifest asks for something of a network that this build cannot do.
    case unsupported(network: String, reason: String)
    /// This processor does not compute in it.
    case precision(Precision)
    /// OpenVINO failed at work.
    case failed(operation: String, reason: String)
}

extension InferenceError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .manifest(let error): error.description
        case .unreadable(let network, let reason): "the network \"\(network)\" cannot be loaded: \(reason)"
        case .missingTensor(let network, let tensor):
            "the network \"\(network)\" has no tensor \"\(tensor)\", which the model manifest names"
        case .mismatch(let network, let tensor, let expected, let actual):
            "the tensor \"\(tensor)\" of the network \"\(network)\" is \(actual), and the model manifest says \(expected)"
        case .unsupported(let network, let reason): "the network \"\(network)\" cannot be used: \(reason)"
        case .precision(let precision): "this processor does not compute in \(precision.rawValue)"
        case .failed(let operation, let reason): "OpenVINO failed to \(operation): \(reason)"
        }
    }
}

/// Throws unless OpenVINO's call went well.
func check(_ status: ov_status_e, _ operation: String) throws(InferenceError) {
    guard status == OK else { throw .failed(operation: operation, reason: lastReason(status)) }
}

/// OpenVINO's own words on the last failure of this thread, on one line.
func lastReason(_ status: ov_status_e) -> String {
    let text = ov_get_last_err_msg().map { String(cString: $0) } ?? ""
    let lines = text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.hasPrefix("Exception from") }
    return lines.last ?? ov_get_error_info(status).map { String(cString: $0) } ?? "status \(status.rawValue)"
}
