/// Why an evaluation cannot be made.
enum EvaluationError: Error, CustomStringConvertible {
    case list(String)
    case picture(String, String)

    var description: String {
        switch self {
        case .list(let reason): "The list cannot be used: \(reason)."
        case .picture(let file, let reason): "The picture \(file) cannot be used: \(reason)"
        }
    }
}
