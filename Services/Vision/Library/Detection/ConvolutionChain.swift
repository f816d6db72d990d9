import CCascade
import Processor

/// A network that is nothing but valid convolutions, one after another, with PReLU and maxima between them: what all three of
/// MTCNN's are. A dense layer is a convolution as large as what it sees.
struct ConvolutionChain: Sendable {
    /// A convolution of stride 1 and what follows it.
    struct Layer: Hashable, Sendable {
        var inputs: Int
        var outputs: Int
        /// Side of the window.
        var kernel: Int
        /// Side of the maximum's window, which moves by 2; 0 for none. One that is cut off at the edge counts.
        var pool = 0
        /// Whether PReLU follows.
        var hasSlopes = true

        fileprivate var weightCount: Int { inputs * outputs * kernel * kernel }
        /// Of a window of 3, for pairs of rows.
        fileprivate var transformedCount: Int { kernel == 3 ? inputs * outputs * 12 : 0 }

        /// Weights (outputs x inputs x rows x columns), biases and, where there are some, slopes.
        var parameterCount: Int { weightCount + outputs * (hasSlopes ? 2 : 1) }
    }

    let layers: [Layer]
    /// As the layers' `parameterCount` says, the weights packed for the kernels.
    private let parameters: [Float]
    /// As the layers' `transformedCount` says.
    private let transformed: [Float]
    private let instructions: Instructions

    /// - Parameter parameters: of one layer after the other, as many as `parameterCount` says.
    init(_ layers: [Layer], parameters: [Float], instructions: Instructions = .best) {
        precondition((1...Int(CASCADE_LAYERS)).contains(layers.count), "no more layers than the kernels hold")
        precondition(
            layers.allSatisfy { (1...3).contains($0.kernel) && [0, 2, 3].contains($0.pool) }, "windows the kernels know"
        )
        precondition(zip(layers, layers.dropFirst()).allSatisfy { $0.outputs == $1.inputs }, "layers that fit together")
        precondition(parameters.count == layers.reduce(0) { $0 + $1.parameterCount }, "as many parameters as needed")
        self.layers = layers
        self.instructions = instructions
        var packed = parameters
        var transformed: [Float] = []
        var start = 0
        for layer in layers {
            parameters.withUnsafeBufferPointer { source in
                let weights = source.baseAddress! + start
                packed.withUnsafeMutableBufferPointer {
                    cascade_pack(weights, layer.outputs, layer.inputs, layer.kernel, $0.baseAddress! + start)
                }
                transformed += [Float](unsafeUninitializedCapacity: layer.transformedCount) {
                    $1 = layer.transformedCount
                    if layer.kernel == 3 { cascade_transform(weights, layer.outputs, layer.inputs, $0.baseAddress!) }
                }
            }
            start += layer.parameterCount
        }
        self.parameters = packed
        self.transformed = transformed
    }

    /// Room for `count` input values, and for what the kernels read beyond them.
    static func input(_ count: Int) -> [Float] {
        [Float](repeating: 0, count: count + Int(CASCADE_SLACK))
    }

    /// Runs the chain over pictures of one size that lie side by side: channels x rows x columns x pictures.
    ///
    /// - Parameters:
    ///   - input: made by `input(_:)`.
    ///   - scratch: memory to keep for the next run.
    /// - Returns: the last layer's values, which lie the same way.
    func run(_ input: [Float], rows: Int, columns: Int, pictures: Int, scratch: inout [Float]) -> [Float] {
        precondition(
            input.count >= layers[0].inputs * rows * columns * pictures + Int(CASCADE_SLACK), "input of that size")
        return withLayers { layers in
            var (height, width) = (rows, columns)
            for index in layers.indices {
                height = cascade_output_size(layers.baseAddress! + index, height)
                width = cascade_output_size(layers.baseAddress! + index, width)
            }
            let count = layers[layers.count - 1].outputs * height * width * pictures
            guard count > 0 else { return [] }
            let needed = cascade_scratch_size(layers.baseAddress, layers.count, columns, pictures)
            if scratch.count < needed { scratch = [Float](repeating: 0, count: needed) }
            return [Float](unsafeUninitializedCapacity: count) { output, initialised in
                cascade_run(
                    instructions.kernel, layers.baseAddress, layers.count, input, rows, columns, pictures, &scratch,
                    output.baseAddress)
                initialised = count
            }
        }
    }

    /// Lends the layers in the kernels' form.
    private func withLayers<Result>(_ body: (UnsafeBufferPointer<cascade_layer>) -> Result) -> Result {
        parameters.withUnsafeBufferPointer { parameters in
            transformed.withUnsafeBufferPointer { transformed in
                var next = parameters.baseAddress!
                var nextTransformed = transformed.baseAddress
                let forms = layers.map { layer in
                    let bias = next + layer.weightCount
                    let form = cascade_layer(
                        inputs: layer.inputs, outputs: layer.outputs, kernel: layer.kernel, pool: layer.pool,
                        weights: next, transformed: layer.kernel == 3 ? nextTransformed : nil, bias: bias,
                        slopes: layer.hasSlopes ? bias + layer.outputs : nil)
                    next += layer.parameterCount
                    nextTransformed = nextTransformed.map { $0 + layer.transformedCount }
                    return form
                }
                return forms.withUnsafeBufferPointer(body)
            }
        }
    }
}
