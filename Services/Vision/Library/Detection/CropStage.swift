import Glibc
import Messages
import ModelManifest

/// R-Net or O-Net: looks at each candidate's crop and says anew whether it is a face and where.
final class CropStage {
    /// Crops that share the kernels' vectors: the widest has this many numbers.
    private static let largestBatch = 16

    private let chain: ConvolutionChain
    private let normalisation: PixelNormalisation
    private let side: Int
    private var scratch: [Float] = []

    init(_ network: CascadeNetwork) {
        chain = network.chain
        normalisation = PixelNormalisation(network.network.input)
        side = network.network.input.width
    }

    /// The candidates that are faces with a probability above `threshold`, with score, regression and, of O-Net,
    /// landmarks; the boxes are as they came.
    func refine(
        _ candidates: [Candidate], of areas: SummedAreas, threshold: Float, within work: WorkLimit
    ) throws(Failure) -> [Candidate] {
        let crops = candidates.compactMap { candidate in candidate.region(in: areas).map { (candidate, $0) } }
        var results: [Candidate] = []
        for start in stride(from: 0, to: crops.count, by: Self.largestBatch) {
            try work.check()
            let batch = crops[start..<min(start + Self.largestBatch, crops.count)]
            let count = batch.count
            let outputs = chain.run(
                crop(batch.map(\.1), of: areas), rows: side, columns: side, pictures: count, scratch: &scratch)
            for (index, (candidate, _)) in batch.enumerated() {
                func output(_ channel: Int) -> Float { outputs[channel * count + index] }
                let score = probability(output(1) - output(0))
                guard score > threshold else { continue }
                var refined = candidate
                refined.score = score
                for side in 0..<4 { refined.regression[side] = output(2 + side) }
                if outputs.count == 16 * count {
                    let origin = SIMD2(candidate.corners[0], candidate.corners[1]) - 1
                    let size = SIMD2(candidate.width, candidate.height) + 1
                    refined.landmarks = (6..<11).map { size * SIMD2(output($0), output($0 + 5)) + origin }
                }
                results.append(refined)
            }
        }
        return results
    }

    private func crop(_ regions: [PixelRegion], of areas: SummedAreas) -> [Float] {
        let count = regions.count
        var input = ConvolutionChain.input(3 * side * side * count)
        let layout = PlaneLayout(column: count, row: side * count, plane: side * side * count)
        input.withUnsafeMutableBufferPointer { values in
            for (index, region) in regions.enumerated() {
                areas.resample(
                    region, width: side, height: side, normalisation: normalisation, into: values.baseAddress! + index,
                    layout: layout)
            }
        }
        return input
    }
}

/// Softmax over two scores: the probability of the one that is ahead by `lead`.
func probability(_ lead: Float) -> Float {
    1 / (1 + exp(-lead))
}
