import ModelManifest

/// P-Net over scales of a picture.
///
/// Each scale is cut into square tiles of one size that overlap by what a window needs, so that the network sees only a
/// few shapes, whatever the pictures' sizes: OpenVINO compiles and keeps every new shape.
final class ProposalStage {
    /// A tile's side in pixels of its scale.
    static let tile = 96
    /// Windows stand this many pixels apart.
    private static let stride = 2
    /// Windows along a tile's side.
    private static let cells = (tile - 10) / stride
    /// Tiles of one inference.
    private static let largestBatch = 8

    private let request: InferenceRequest
    private let normalisation: Normalisation

    /// A tile to look at: which level, and its first window there.
    private struct Tile {
        let level: Int
        let x: Int
        let y: Int
    }

    init(_ request: InferenceRequest) {
        self.request = request
        normalisation = Normalisation(request.network.network.input)
    }

    /// For each level, the windows that may hold a face, as boxes in the picture.
    func candidates(
        _ levels: ArraySlice<ImagePyramid.Level>, of image: RGBImage, threshold: Float
    ) throws(InferenceError) -> [[Candidate]] {
        let levels = Array(levels)
        var results = [[Candidate]](repeating: [], count: levels.count)
        var batch: [Tile] = []
        var input = Tensor(zeros: [Self.largestBatch, 3, Self.tile, Self.tile])
        for (index, level) in levels.enumerated() {
            let planes = resample(image, to: level)
            for y in Swift.stride(from: 0, to: Self.windows(level.height), by: Self.cells) {
                for x in Swift.stride(from: 0, to: Self.windows(level.width), by: Self.cells) {
                    copy(planes, of: level, x: x * Self.stride, y: y * Self.stride, into: &input, at: batch.count)
                    batch.append(Tile(level: index, x: x, y: y))
                    if batch.count == Self.largestBatch {
                        try look(&input, at: batch, levels: levels, threshold: threshold, results: &results)
                        batch = []
                    }
                }
            }
        }
        if !batch.isEmpty {
            input = Tensor(
                shape: [batch.count, 3, Self.tile, Self.tile],
                values: Array(input.values.prefix(batch.count * 3 * Self.tile * Self.tile)))
            try look(&input, at: batch, levels: levels, threshold: threshold, results: &results)
        }
        return results
    }

    /// Windows along a side of `pixels`: what two 3 x 3 convolutions, a pooling that keeps the last odd line, and another
    /// convolution leave.
    private static func windows(_ pixels: Int) -> Int {
        max((pixels - 1) / 2 - 4, 0)
    }

    private func resample(_ image: RGBImage, to level: ImagePyramid.Level) -> [Float] {
        let plane = level.width * level.height
        return [Float](unsafeUninitializedCapacity: 3 * plane) { buffer, count in
            image.resample(
                image.region, width: level.width, height: level.height, normalisation: normalisation,
                into: buffer.baseAddress!, layout: PlaneLayout(row: level.width, plane: plane))
            count = 3 * plane
        }
    }

    /// Copies the tile from (x, y) of a level; beyond its edges a tile is 0.
    private func copy(
        _ planes: [Float], of level: ImagePyramid.Level, x: Int, y: Int, into input: inout Tensor, at index: Int
    ) {
        let (width, height) = (min(Self.tile, level.width - x), min(Self.tile, level.height - y))
        planes.withUnsafeBufferPointer { source in
            input.values.withUnsafeMutableBufferPointer { target in
                for channel in 0..<3 {
                    for row in 0..<Self.tile {
                        let line = target.baseAddress! + ((index * 3 + channel) * Self.tile + row) * Self.tile
                        guard row < height else {
                            line.update(repeating: 0, count: Self.tile)
                            continue
                        }
                        let start = source.baseAddress! + (channel * level.height + y + row) * level.width + x
                        line.update(from: start, count: width)
                        (line + width).update(repeating: 0, count: Self.tile - width)
                    }
                }
            }
        }
    }

    private func look(
        _ input: inout Tensor, at tiles: [Tile], levels: [ImagePyramid.Level], threshold: Float,
        results: inout [[Candidate]]
    ) throws(InferenceError) {
        let outputs = try request.infer(&input)
        let probability = outputs["probability"]!.values
        let regression = outputs["regression"]!.values
        let plane = Self.cells * Self.cells
        for (index, tile) in tiles.enumerated() {
            let level = levels[tile.level]
            let columns = min(Self.cells, Self.windows(level.width) - tile.x)
            let rows = min(Self.cells, Self.windows(level.height) - tile.y)
            for row in 0..<rows {
                for column in 0..<columns {
                    let cell = row * Self.cells + column
                    let score = probability[(index * 2 + 1) * plane + cell]
                    guard score >= threshold else { continue }
                    let corner = SIMD2(Float(tile.x + column), Float(tile.y + row)) * Float(Self.stride) + 1
                    let first = (corner / level.scale).rounded(.down)
                    let last = ((corner + (ImagePyramid.window - 1)) / level.scale).rounded(.down)
                    var moves = SIMD4<Float>.zero
                    for side in 0..<4 { moves[side] = regression[(index * 4 + side) * plane + cell] }
                    results[tile.level].append(
                        Candidate(
                            corners: SIMD4(first.x, first.y, last.x, last.y), score: score, regression: moves))
                }
            }
        }
    }
}
