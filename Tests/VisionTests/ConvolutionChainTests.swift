import Processor
import Testing

@testable import Vision

@Suite("Convolution chain")
struct ConvolutionChainTests {
    /// Channels x rows x columns.
    struct Picture {
        var channels: Int
        var rows: Int
        var columns: Int
        var values: [Double]

        subscript(channel: Int, row: Int, column: Int) -> Double {
            values[(channel * rows + row) * columns + column]
        }
    }

    /// The same by the definition, in float64.
    private static func run(
        _ layers: [ConvolutionChain.Layer], _ parameters: [Float], on picture: Picture
    ) -> Picture {
        var picture = picture
        var start = 0
        for layer in layers {
            let window = layer.inputs * layer.kernel * layer.kernel
            let bias = start + layer.outputs * window
            var (rows, columns) = (picture.rows - layer.kernel + 1, picture.columns - layer.kernel + 1)
            var next = Picture(channels: layer.outputs, rows: rows, columns: columns, values: [])
            for output in 0..<layer.outputs {
                for row in 0..<rows {
                    for column in 0..<columns {
                        var sum = Double(parameters[bias + output])
                        for input in 0..<layer.inputs {
                            for y in 0..<layer.kernel {
                                for x in 0..<layer.kernel {
                                    let place = (input * layer.kernel + y) * layer.kernel + x
                                    sum +=
                                        Double(parameters[start + output * window + place])
                                        * picture[input, row + y, column + x]
                                }
                            }
                        }
                        let slope = layer.hasSlopes ? Double(parameters[bias + layer.outputs + output]) : 1
                        next.values.append(sum < 0 ? slope * sum : sum)
                    }
                }
            }
            picture = next
            if layer.pool > 0 {
                (rows, columns) = (
                    Int((Double(max(rows - layer.pool, 0)) / 2).rounded(.up)) + 1,
                    Int((Double(max(columns - layer.pool, 0)) / 2).rounded(.up)) + 1
                )
                let values = (0..<layer.outputs * rows * columns).map { index in
                    let (channel, row, column) = (index / (rows * columns), index / columns % rows, index % columns)
                    let seen = (2 * row..<min(2 * row + layer.pool, picture.rows)).flatMap { y in
                        (2 * column..<min(2 * column + layer.pool, picture.columns)).map { picture[channel, y, $0] }
                    }
                    return seen.max()!
                }
                picture = Picture(channels: layer.outputs, rows: rows, columns: columns, values: values)
            }
            start += layer.parameterCount
        }
        return picture
    }

    /// -0.5 ..< 0.5, the same each time.
    private static func numbers(_ count: Int) -> [Float] {
        var state: UInt32 = 1
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) / Float(1 << 24) - 0.5
        }
    }

    /// Odd numbers of channels, both maxima, every kernel, and a last layer that sees everything.
    private static let layers = [
        ConvolutionChain.Layer(inputs: 3, outputs: 10, kernel: 3, pool: 2),
        ConvolutionChain.Layer(inputs: 10, outputs: 13, kernel: 2, pool: 3),
        ConvolutionChain.Layer(inputs: 13, outputs: 17, kernel: 1),
        ConvolutionChain.Layer(inputs: 17, outputs: 7, kernel: 3, hasSlopes: false),
    ]

    @Test(
        "kernels compute what the definition says, whatever the size and however many pictures",
        arguments: Instructions.allCases.filter(\.isAvailable),
        [(18, 18, 1), (19, 150, 1), (20, 21, 3), (21, 18, 16), (23, 19, 17)])
    func definition(instructions: Instructions, size: (rows: Int, columns: Int, pictures: Int)) {
        let parameters = Self.numbers(Self.layers.reduce(0) { $0 + $1.parameterCount })
        let chain = ConvolutionChain(Self.layers, parameters: parameters, instructions: instructions)
        let (plane, count) = (size.rows * size.columns, size.pictures)
        let pixels = Self.numbers(3 * plane * count)
        var input = ConvolutionChain.input(pixels.count)
        input.replaceSubrange(0..<pixels.count, with: pixels)
        // What lies behind the input and in used memory must not matter.
        for index in pixels.count..<input.count { input[index] = .nan }
        var scratch: [Float] = []
        _ = chain.run(input, rows: size.rows, columns: size.columns, pictures: count, scratch: &scratch)
        for index in scratch.indices { scratch[index] = .nan }
        let outputs = chain.run(input, rows: size.rows, columns: size.columns, pictures: count, scratch: &scratch)
        for picture in 0..<count {
            let own = (0..<3 * plane).map { Double(pixels[$0 * count + picture]) }
            let expected = Self.run(
                Self.layers, parameters,
                on: Picture(channels: 3, rows: size.rows, columns: size.columns, values: own))
            #expect(outputs.count == expected.values.count * count)
            for (index, value) in expected.values.enumerated() {
                #expect(abs(Double(outputs[index * count + picture]) - value) < 1e-4)
            }
        }
    }

    @Test("a picture too small for the chain gives nothing")
    func tooSmall() {
        let chain = ConvolutionChain(
            Self.layers, parameters: Self.numbers(Self.layers.reduce(0) { $0 + $1.parameterCount }))
        var scratch: [Float] = []
        for (rows, columns) in [(4, 40), (40, 4), (1, 40), (40, 1)] {
            let input = ConvolutionChain.input(3 * rows * columns)
            #expect(chain.run(input, rows: rows, columns: columns, pictures: 1, scratch: &scratch).isEmpty)
        }
        #expect(scratch.isEmpty)
    }
}
