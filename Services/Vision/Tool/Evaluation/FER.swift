import Messages
import ModelManifest
import Vision

/// What `vision evaluate fer` prints.
struct FERResult: Encodable {
    /// Moods and classes of the FER head against FER's labels.
    var accuracy4: Double
    var accuracy7: Double
    /// Classes and moods of the votes head against FER+'s majority, where more than half of the voters agree.
    var accuracy8FERPlus: Double
    var accuracy4FERPlus: Double
    /// Calibration of the votes head's moods on the same pictures.
    var ece4: Double
    var images: Int
    var majorityImages: Int

    enum CodingKeys: String, CodingKey {
        case accuracy4, accuracy7, ece4, images
        case accuracy8FERPlus = "accuracy8_ferplus"
        case accuracy4FERPlus = "accuracy4_ferplus"
        case majorityImages = "majority_images"
    }
}

/// Runs the expression network over whole FER2013 pictures.
func evaluateFER(_ table: CommaSeparatedValues, images: String, lanes: AnalysisLanes) async throws -> FERResult {
    struct Row: Sendable {
        let file: String
        /// Position in the FER head's labels.
        let label: Int
        /// Position in the votes head's labels, if more than half of the voters chose it.
        let majority: Int?
    }
    let network = lanes.networks.expressionNetwork
    let ferLabels = network.labels["fer"] ?? []
    let ferplusLabels = network.labels["ferplus"] ?? []
    let names = [
        "angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "happiness", "sad": "sadness",
        "surprise": "surprise", "neutral": "neutral",
    ]
    let file = try table.position(of: "file")
    let label = try table.position(of: "fer_label")
    let votes = try (ferplusLabels + ["unknown", "NF"]).map { try table.position(of: "fp_" + $0) }

    func isOne(_ row: [String], _ column: String) -> Bool {
        guard let position = try? table.position(of: column) else { return false }
        return row[position] == "1"
    }
    func isLeftOut(_ row: [String]) -> Bool {
        let usage = (try? table.position(of: "usage")).map { row[$0] }
        return usage == "Training" || isOne(row, "blank")
            || (usage != "PrivateTest" && isOne(row, "same_picture_in_heldout"))
    }
    let rows = try table.rows.filter { !isLeftOut($0) }.map { row in
        guard let name = names[row[label]], let position = ferLabels.firstIndex(of: name) else {
            throw EvaluationError.list("\"\(row[label])\" is not a label of FER2013")
        }
        let counts = votes.map { Int(row[$0]) ?? 0 }
        let total = counts.reduce(0, +)
        let majority = counts.prefix(ferplusLabels.count).firstIndex { 2 * $0 > total }
        return Row(file: row[file], label: position, majority: majority)
    }
    StandardError.say("\(rows.count) of \(table.rows.count) pictures are measured")
    let seen = try await expressions(of: rows.map(\.file), images: images, lanes: lanes)

    func moods(_ labels: [String]) -> [Int] {
        let order = network.moods.keys.sorted()
        return labels.map { label in order.firstIndex { network.moods[$0]!.contains(label) } ?? -1 }
    }
    func summed(_ probabilities: [Float], _ moods: [Int]) -> [Float] {
        var sums = [Float](repeating: 0, count: network.moods.count)
        for (mood, probability) in zip(moods, probabilities) { sums[mood] += probability }
        return sums
    }
    let (ferMoods, ferplusMoods) = (moods(ferLabels), moods(ferplusLabels))
    var (right7, right4, right8, right4Plus, majorities) = (0, 0, 0, 0, 0)
    var predictions: [(confidence: Float, isRight: Bool)] = []
    for (row, expression) in zip(rows, seen) {
        right7 += expression.fer.greatest == row.label ? 1 : 0
        right4 += summed(expression.fer, ferMoods).greatest == ferMoods[row.label] ? 1 : 0
        guard let majority = row.majority else { continue }
        majorities += 1
        right8 += expression.ferplus.greatest == majority ? 1 : 0
        let scores = summed(expression.ferplus, ferplusMoods)
        let isRight = scores.greatest == ferplusMoods[majority]
        right4Plus += isRight ? 1 : 0
        predictions.append((scores.max() ?? 0, isRight))
    }
    func share(_ count: Int, of all: Int) -> Double { Double(count) / Double(max(all, 1)) }
    return FERResult(
        accuracy4: share(right4, of: rows.count), accuracy7: share(right7, of: rows.count),
        accuracy8FERPlus: share(right8, of: majorities), accuracy4FERPlus: share(right4Plus, of: majorities),
        ece4: calibrationError(predictions), images: rows.count, majorityImages: majorities)
}

/// What `vision evaluate triplets` prints: shares of triplets whose odd one is found.
struct TripletsResult: Encodable {
    /// By the distance of the 16 values.
    var oddOneOut: Double
    /// By the Hellinger distance of the votes head's probabilities.
    var oddOneOutProbabilities: Double
    var triplets: Int

    enum CodingKeys: String, CodingKey {
        case triplets
        case oddOneOut = "odd_one_out"
        case oddOneOutProbabilities = "odd_one_out_probabilities"
    }
}

/// Finds the odd one of three pictures: the one that the closest two leave.
func evaluateTriplets(
    _ table: CommaSeparatedValues, images: String, lanes: AnalysisLanes
) async throws -> TripletsResult {
    let columns = try ["first", "second", "third"].map { try table.position(of: $0) }
    let answer = try table.position(of: "odd_one_out")
    let files = Set(table.rows.flatMap { row in columns.map { row[$0] } }).sorted()
    let seen = try await expressions(of: files, images: images, lanes: lanes)
    let vectors = Dictionary(uniqueKeysWithValues: zip(files, seen.map(\.vector)))
    // The Euclidean distance of square roots is √2 times the Hellinger distance.
    let roots = Dictionary(uniqueKeysWithValues: zip(files, seen.map { $0.ferplus.map { $0.squareRoot() } }))

    func odd(_ features: [[Float]]) -> Int {
        func square(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
        let left = [
            square(features[1], features[2]), square(features[0], features[2]), square(features[0], features[1]),
        ]
        return left.indices.min { left[$0] < left[$1] }!
    }
    var (byVector, byProbabilities) = (0, 0)
    for row in table.rows {
        guard let truth = Int(row[answer]), (0...2).contains(truth) else {
            throw EvaluationError.list("\"\(row[answer])\" is not 0, 1 or 2")
        }
        byVector += odd(columns.map { vectors[row[$0]]! }) == truth ? 1 : 0
        byProbabilities += odd(columns.map { roots[row[$0]]! }) == truth ? 1 : 0
    }
    let count = Double(max(table.rows.count, 1))
    return TripletsResult(
        oddOneOut: Double(byVector) / count, oddOneOutProbabilities: Double(byProbabilities) / count,
        triplets: table.rows.count)
}

/// What the expression network says of whole pictures of its input size.
private func expressions(
    of files: [String], images: String, lanes: AnalysisLanes
) async throws -> [Expression] {
    let input = lanes.networks.expression.network.input
    let batches = stride(from: 0, to: files.count, by: 16).map { Array(files[$0..<min($0 + 16, files.count)]) }
    let results = try await lanes.map(
        batches, progress: { StandardError.say("\(16 * $0) of \(files.count) pictures") }
    ) { analyser, batch in
        let crops = try batch.map { file in
            do {
                let image = try Picture(try contents(of: images + "/" + file), limits: ImageLimits()).image
                guard image.width == input.width, image.height == input.height else {
                    throw EvaluationError.picture(file, "it is not \(input.width) x \(input.height).")
                }
                return image
            } catch let failure as Failure {
                throw EvaluationError.picture(file, failure.detail)
            }
        }
        return try analyser.expressions(of: crops)
    }
    return results.flatMap(\.self)
}

extension [Float] {
    /// The position of the greatest value.
    fileprivate var greatest: Int { indices.max { self[$0] < self[$1] } ?? 0 }
}
