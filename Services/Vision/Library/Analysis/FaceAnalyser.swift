package import Messages
import ModelManifest

/// A face cut out of a picture, ready for the networks that look at it.
package struct AlignedFace: Sendable {
    /// The upright picture's size.
    let picture: PixelSize
    /// In pixels of the whole upright picture.
    package let detection: Detection
    /// What may be told of it.
    let face: Face
    /// Why the face is not fit to be recognised, if it is not.
    package let refusal: Person.Reason?
    /// As the identity network wants it; `nil` where no vector of the face may be computed.
    package var identityCrop: RGBImage?
    /// As the expression network wants it.
    let expressionCrop: RGBImage
}

/// What the networks say of a face.
package struct FaceReading: Hashable, Sendable {
    /// 512 values of unit length; `nil` of a face without a crop for that.
    package let identity: [Float]?
    /// The same of the previous network; `nil` where there is none.
    package let previousIdentity: [Float]?
    package let expression: Expression
}

/// What the expression network says of a face.
package struct Expression: Hashable, Sendable {
    /// 16 values of unit length.
    package let vector: [Float]
    /// Probabilities by FER+ label, in the network's order.
    package let ferplus: [Float]
    /// Probabilities by FER label; empty when the network has no such output.
    package let fer: [Float]
}

/// From pictures to faces to what the networks say of them. Owns its requests: one piece of work at a time.
package final class FaceAnalyser {
    package let networks: FaceNetworks
    private let detector: FaceDetector
    private let identity: IdentityRequest
    private let previousIdentity: IdentityRequest?
    private let expression: InferenceRequest

    init(_ networks: FaceNetworks) throws(InferenceError) {
        self.networks = networks
        detector = FaceDetector(networks.detector)
        identity = try IdentityRequest(networks.identity)
        previousIdentity = try networks.previousIdentity.map { networks throws(InferenceError) in
            try IdentityRequest(networks)
        }
        expression = try InferenceRequest(networks.expression)
    }

    /// The largest face of a picture, or `nil` when there is none of `smallest` pixels (of the picture as it is looked
    /// at).
    ///
    /// - Parameter closer: the same picture halved by that many times less, or `nil` where that cannot be had; asked for where a
    ///   face's crops have more pixels than the face.
    package func largestFace(
        in picture: Picture, smallest: Float, within work: WorkLimit = .unlimited,
        closer: (Int) throws(Failure) -> Picture? = { _ in nil }
    ) throws(Failure) -> AlignedFace? {
        guard let detection = try detector.largestFace(in: picture.image, smallest: smallest, within: work) else {
            return nil
        }
        for times in picture.halvings(for: transform(of: detection, for: networks.identity.input)?.scale ?? 1) {
            guard let closer = try closer(times) else { continue }
            return align(detection.scaled(by: closer.image.size / picture.image.size), in: closer)
        }
        return align(detection, in: picture)
    }

    /// All faces of a picture, largest first, in pixels of the picture as it is looked at.
    package func faces(in picture: Picture, smallest: Float) -> [Detection] {
        // Without a limit there is nothing that it could throw.
        (try? detector.faces(in: picture.image, smallest: smallest)) ?? []
    }

    /// What may be told of all faces of a picture, largest first. Where none is upright and whole, the one that a selfie would be
    /// taken to show.
    func everyFace(in picture: Picture, smallest: Float, within work: WorkLimit) throws(Failure) -> [Face] {
        let faces = try detector.faces(in: picture.image, smallest: smallest, within: work)
        guard faces.isEmpty else { return faces.compactMap { align($0, in: picture)?.face } }
        return try largestFace(in: picture, smallest: smallest, within: work).map { [$0.face] } ?? []
    }

    /// Cuts a face out of its picture for each network. `nil` when its landmarks fall together.
    package func align(_ detection: Detection, in picture: Picture) -> AlignedFace? {
        guard let identityCrop = crop(detection, of: picture.image, for: networks.identity.input),
            let expressionCrop = crop(
                detection, of: picture.image, for: networks.expression.network.input)
        else { return nil }
        let whole = detection.scaled(by: picture.scale)
        let face = Face(
            whole, quality: FaceQuality(detection, in: picture.image, crop: identityCrop), in: picture.size)
        return AlignedFace(
            picture: picture.size, detection: whole, face: face,
            refusal: networks.identification.refusal(of: face, in: picture.size), identityCrop: identityCrop,
            expressionCrop: expressionCrop)
    }

    private func crop(_ detection: Detection, of image: RGBImage, for input: NetworkInput) -> RGBImage? {
        transform(of: detection, for: input).map { image.warped(by: $0, width: input.width, height: input.height) }
    }

    /// From the picture to the network's crop.
    private func transform(of detection: Detection, for input: NetworkInput) -> SimilarityTransform? {
        input.template.flatMap { SimilarityTransform(from: detection.landmarks, to: $0.points) }
    }

    /// Runs the expression network once over all faces, and identity's once over those that have a crop for it.
    package func read(_ faces: [AlignedFace]) throws(InferenceError) -> [FaceReading] {
        let expressions = try expressions(of: faces.map(\.expressionCrop))
        let crops = faces.compactMap(\.identityCrop)
        var identities = try embeddings(of: crops)[...]
        var previous = crops.isEmpty ? [] : try (previousIdentity?.vectors(of: crops) ?? [])[...]
        return zip(faces, expressions).map { face, expression in
            FaceReading(
                identity: face.identityCrop.flatMap { _ in identities.popFirst() },
                previousIdentity: face.identityCrop.flatMap { _ in previous.popFirst() }, expression: expression)
        }
    }

    /// Identity vectors of crops of the network's input size, of unit length.
    package func embeddings(of crops: [RGBImage]) throws(InferenceError) -> [[Float]] {
        guard !crops.isEmpty else { return [] }
        return try identity.vectors(of: crops)
    }

    /// Expressions in crops of the network's input size.
    package func expressions(of crops: [RGBImage]) throws(InferenceError) -> [Expression] {
        guard !crops.isEmpty else { return [] }
        let outputs = try expression.infer(crops)
        let vectors = outputs.rows(of: ExpressionNetwork.expression).map(normalised)
        let ferplus = outputs.rows(of: "ferplus")
        let fer = outputs.rows(of: "fer")
        return crops.indices.map {
            Expression(vector: vectors[$0], ferplus: ferplus[$0], fer: fer.isEmpty ? [] : fer[$0])
        }
    }

    /// Runs OpenVINO's networks once, on a picture without anything on it, so that the first job finds them compiled.
    func rehearse() throws(InferenceError) {
        func blank(_ input: NetworkInput) -> RGBImage {
            let pixels = [UInt8](repeating: 128, count: input.width * input.height * 3)
            return RGBImage(width: input.width, height: input.height, pixels: pixels)
        }
        _ = try embeddings(of: [blank(networks.identity.input)])
        _ = try previousIdentity?.vectors(of: [blank(networks.identity.input)])
        _ = try expressions(of: [blank(networks.expression.network.input)])
    }
}

extension FaceNetworks {
    /// What travels on of a face and its reading.
    ///
    /// - Parameter reacting: whether a video was playing.
    package func analysis(of face: AlignedFace, _ reading: FaceReading, reacting: Bool) -> FaceAnalysis {
        FaceAnalysis(
            image: face.picture,
            face: face.face,
            mood: moods.mood(reading.expression.ferplus),
            reaction: reacting ? expressionNetwork.reaction.reaction(to: reading.expression.vector) : nil,
            models: versions)
    }
}

extension Face {
    init(_ detection: Detection, quality: FaceQuality, in picture: PixelSize) {
        let corners = detection.corners(inside: SIMD2(Float(picture.width), Float(picture.height)))
        let points = detection.landmarks.map { Point(x: $0.x, y: $0.y) }
        self.init(
            box: Box(x: corners[0], y: corners[1], width: corners[2] - corners[0], height: corners[3] - corners[1]),
            landmarks: Landmarks(
                leftEye: points[0], rightEye: points[1], nose: points[2], leftMouth: points[3], rightMouth: points[4]),
            probability: detection.probability, quality: quality)
    }
}
