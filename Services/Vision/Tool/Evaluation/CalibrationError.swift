/// The expected calibration error of the likeliest class, over 15 equal bins of confidence (Guo et al. 2017).
func calibrationError(_ predictions: [(confidence: Float, isRight: Bool)]) -> Double {
    let bins = 15
    var (confidence, right) = ([Double](repeating: 0, count: bins), [Double](repeating: 0, count: bins))
    for prediction in predictions {
        let bin = min(Int(prediction.confidence * Float(bins)), bins - 1)
        confidence[bin] += Double(prediction.confidence)
        right[bin] += prediction.isRight ? 1 : 0
    }
    return zip(confidence, right).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(max(predictions.count, 1))
}
