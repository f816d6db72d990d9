import Messages
import Vision

/// What `vision evaluate lfw` prints.
struct LFWResult: Encodable {
    var accuracy: Double
    /// Over all cross pairs of the pictures.
    var tarAtFAR1e3: Double
    var tarAtFAR1e5: Double
    /// A cosine distance: the mean of the folds' thresholds.
    var threshold: Double
    var pairs: Int
    var noFace: Int

    enum CodingKeys: String, CodingKey {
        case accuracy, threshold, pairs
        case tarAtFAR1e3 = "tar_at_far_1e3"
        case tarAtFAR1e5 = "tar_at_far_1e5"
        case noFace = "no_face"
    }
}

/// Runs detection, alignment and the identity network over all pictures named and verifies the pairs.
func evaluateLFW(_ list: VerificationPairs, images: String, lanes: AnalysisLanes) async throws -> LFWResult {
    struct Seen: Sendable {
        var embedding: [Float]
        var isLargest: Bool
    }
    var limits = ImageLimits()
    limits.side = .max
    let pictures = list.pictures
    let seen = try await lanes.map(
        pictures, progress: { StandardError.say("\($0) of \(pictures.count) pictures") }
    ) { [limits] analyser, entry -> Seen? in
        let picture: Picture
        do {
            picture = try Picture(try contents(of: images + "/" + entry.path), limits: limits)
        } catch let failure as Failure {
            throw EvaluationError.picture(entry.path, failure.detail)
        }
        let faces = analyser.faces(in: picture, smallest: 20)
        let middle = SIMD2(Float(picture.image.width), Float(picture.image.height)) / 2
        func distance(_ face: Detection) -> Float {
            let offset =
                (SIMD2(face.corners[0], face.corners[1]) + SIMD2(face.corners[2], face.corners[3])) / 2 - middle
            return (offset * offset).sum()
        }
        guard let face = faces.min(by: { distance($0) < distance($1) }),
            let crop = analyser.align(face, in: picture)?.identityCrop
        else { return nil }
        return Seen(embedding: try analyser.embeddings(of: [crop])[0], isLargest: face == faces[0])
    }
    let withFace = seen.compactMap(\.self)
    StandardError.say(
        "\(pictures.count - withFace.count) pictures without a face; the middle face is not the largest in "
            + "\(withFace.count { !$0.isLargest })")
    let embeddings = Dictionary(uniqueKeysWithValues: zip(pictures, seen.map { $0?.embedding }))
    func similarity(_ first: [Float], _ second: [Float]) -> Float {
        first.withUnsafeBufferPointer { a in
            second.withUnsafeBufferPointer { b in
                var sums = SIMD16<Float>.zero
                for start in stride(from: 0, to: a.count - 15, by: 16) {
                    let at = start..<start + 16
                    sums.addProduct(SIMD16(a[at]), SIMD16(b[at]))
                }
                return sums.sum()
            }
        }
    }
    let pairs = list.pairs.map { pair -> (distance: Float?, isSame: Bool, fold: Int) in
        guard let first = embeddings[pair.first] ?? nil, let second = embeddings[pair.second] ?? nil else {
            return (nil, pair.isSame, pair.fold)
        }
        return (1 - similarity(first, second), pair.isSame, pair.fold)
    }
    let (accuracy, threshold) = Verification.crossValidated(pairs, folds: list.folds)

    StandardError.say("all cross pairs of \(pictures.count) pictures")
    var (same, others): ([Float], [Float]) = ([], [])
    var samePairs = 0
    for first in pictures.indices {
        for second in first + 1..<pictures.count {
            let isSame = pictures[first].name == pictures[second].name
            samePairs += isSame ? 1 : 0
            guard let a = seen[first], let b = seen[second] else { continue }
            let value = similarity(a.embedding, b.embedding)
            if isSame { same.append(value) } else { others.append(value) }
        }
    }
    let allPairs = pictures.count * (pictures.count - 1) / 2
    others.sort(by: >)
    func acceptance(_ falseAcceptance: Double) -> Double {
        Verification.trueAcceptance(
            same: same, others: others, samePairs: samePairs, otherPairs: allPairs - samePairs,
            falseAcceptance: falseAcceptance)
    }
    return LFWResult(
        accuracy: accuracy, tarAtFAR1e3: acceptance(1e-3), tarAtFAR1e5: acceptance(1e-5), threshold: threshold,
        pairs: list.pairs.count, noFace: pictures.count - withFace.count)
}

extension SIMD16<Float> {
    fileprivate init(_ slice: Slice<UnsafeBufferPointer<Float>>) {
        self = UnsafeRawPointer(slice.base.baseAddress! + slice.startIndex).loadUnaligned(as: Self.self)
    }
}
