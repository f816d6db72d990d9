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

extension [String: Tensor] {
    /// An output's values, a row for each picture of the batch; empty when there is no such output.
    func rows(of output: String) -> [[Float]] {
        guard let tensor = self[output] else { return [] }
        let width = tensor.values.count / tensor.shape[0]
        return (0..<tensor.shape[0]).map { Array(tensor.values[$0 * width..<($0 + 1) * width]) }
    }
}
