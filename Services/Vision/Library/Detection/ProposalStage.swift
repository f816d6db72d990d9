import Glibc
import Messages
import ModelManifest

/// P-Net over scales of a picture.
final class ProposalStage {
    /// Windows stand this many pixels apart.
    private static let stride = 2

    private let chain: ConvolutionChain
    private let normalisation: PixelNormalisation
    private var scratch: [Float] = []

    init(_ network: CascadeNetwork) {
        chain = network.chain
        normalisation = PixelNormalisation(network.network.input)
    }

    /// For each level, the windows that may hold a face, as boxes in the picture.
    func candidates(
        _ levels: ArraySlice<ImagePyramid.Level>, of areas: SummedAreas, threshold: Float, within work: WorkLimit
    ) throws(Failure) -> [[Candidate]] {
        try levels.map { (level) throws(Failure) in
            try work.check()
            return candidates(level, of: areas, threshold: threshold)
        }
    }

    private func candidates(_ level: ImagePyramid.Level, of areas: SummedAreas, threshold: Float) -> [Candidate] {
        let outputs = chain.run(
            resample(areas, to: level), rows: level.height, columns: level.width, pictures: 1, scratch: &scratch)
        let (columns, rows) = (Self.windows(level.width), Self.windows(level.height))
        let plane = columns * rows
        let origin = SIMD2(Float(level.region.x), Float(level.region.y))
        // By how much the score of a face must be ahead: less work than a probability for each window.
        let least = log(threshold / (1 - threshold))
        var results: [Candidate] = []
        for window in 0..<plane {
            let lead = outputs[plane + window] - outputs[window]
            guard lead >= least else { continue }
            let corner = SIMD2(Float(window % columns), Float(window / columns)) * Float(Self.stride) + 1
            let first = origin + (corner / level.scale).rounded(.down)
            let last = origin + ((corner + (ImagePyramid.window - 1)) / level.scale).rounded(.down)
            var moves = SIMD4<Float>.zero
            for side in 0..<4 { moves[side] = outputs[(2 + side) * plane + window] }
            results.append(
                Candidate(corners: SIMD4(first.x, first.y, last.x, last.y), score: probability(lead), regression: moves)
            )
        }
        return results
    }

    /// Windows along a side of `pixels`: what a 3 x 3 convolution, a maximum that keeps the last odd line, and two more
    /// convolutions leave.
    private static func windows(_ pixels: Int) -> Int {
        max((pixels - 1) / 2 - 4, 0)
    }

    private func resample(_ areas: SummedAreas, to level: ImagePyramid.Level) -> [Float] {
        let plane = level.width * level.height
        var input = ConvolutionChain.input(3 * plane)
        input.withUnsafeMutableBufferPointer {
            areas.resample(
                level.region, width: level.width, height: level.height, normalisation: normalisation,
                into: $0.baseAddress!, layout: PlaneLayout(column: 1, row: level.width, plane: plane))
        }
        return input
    }
}
