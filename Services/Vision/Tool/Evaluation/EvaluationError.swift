import CSV

/// Why an evaluation cannot be made.
enum EvaluationError: Error, CustomStringConvertible {
    case list(String)
    case malformed(CSV.Malformed)
    case picture(String, String)

    var description: String {
        switch self {
        case .list(let reason): "The list cannot be used: \(reason)."
        case .malformed(let error): "The list cannot be used. \(error)"
        case .picture(let file, let reason): "The picture \(file) cannot be used: \(reason)"
        }
    }
}
