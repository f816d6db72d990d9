import ModelManifest

/// R-Net or O-Net: looks at each candidate's crop and says anew whether it is a face and where.
final class CropStage {
    private let request: InferenceRequest
    private let normalisation: Normalisation
    private let width: Int
    private let height: Int
    private let largestBatch: Int

    /// - Parameter largestBatch: crops of one inference. Smaller ones are filled up to a quarter, a half or all of it, so
    ///   that the network sees few shapes.
    init(_ request: InferenceRequest, largestBatch: Int) {
        self.request = request
        self.largestBatch = largestBatch
        let input = request.network.network.input
        normalisation = Normalisation(input)
        (width, height) = (input.width, input.height)
    }

    /// The candidates that are faces with a probability above `threshold`, with score, regression and, of O-Net,
    /// landmarks; the boxes are as they came.
    func refine(
        _ candidates: [Candidate], of image: RGBImage, threshold: Float
    ) throws(InferenceError) -> [Candidate] {
        let crops = candidates.compactMap { candidate in candidate.region(in: image).map { (candidate, $0) } }
        var results: [Candidate] = []
        for start in stride(from: 0, to: crops.count, by: largestBatch) {
            let batch = crops[start..<min(start + largestBatch, crops.count)]
            var input = crop(batch.map(\.1), of: image)
            let outputs = try request.infer(&input)
            let probability = outputs["probability"]!.values
            let regression = outputs["regression"]!.values
            let landmarks = outputs["landmarks"]?.values
            for (index, (candidate, _)) in batch.enumerated() where probability[2 * index + 1] > threshold {
                var refined = candidate
                refined.score = probability[2 * index + 1]
                for side in 0..<4 { refined.regression[side] = regression[4 * index + side] }
                if let landmarks {
                    let origin = SIMD2(candidate.corners[0], candidate.corners[1]) - 1
                    let size = SIMD2(candidate.width, candidate.height) + 1
                    refined.landmarks = (0..<5).map {
                        size * SIMD2(landmarks[10 * index + $0], landmarks[10 * index + 5 + $0]) + origin
                    }
                }
                results.append(refined)
            }
        }
        return results
    }

    private func crop(_ regions: [PixelRegion], of image: RGBImage) -> Tensor {
        let count = [largestBatch / 4, largestBatch / 2].first { regions.count <= $0 } ?? largestBatch
        var input = Tensor(zeros: [count, 3, height, width])
        let layout = PlaneLayout(row: width, plane: width * height)
        input.values.withUnsafeMutableBufferPointer { values in
            for (index, region) in regions.enumerated() {
                image.resample(
                    region, width: width, height: height, normalisation: normalisation,
                    into: values.baseAddress! + index * 3 * layout.plane, layout: layout)
            }
        }
        return input
    }
}
