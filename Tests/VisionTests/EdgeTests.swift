import Messages
import ModelManifest
import Testing

@testable import Vision

@Suite("Faces at the picture's edge")
struct EdgeTests {
    /// A part of a photo's face that the picture's edges cut off, in shares of its box.
    struct Cut: CustomTestStringConvertible, Sendable {
        var photo: String
        var left: Float = 0
        var top: Float = 0
        var right: Float = 0
        var bottom: Float = 0

        var testDescription: String { "\(photo): \(left) \(top) \(right) \(bottom)" }

        /// All photos, cut at each edge and each corner.
        static let all = ["astronaut.png", "obama.jpg", "biden.jpg"].flatMap { photo in
            [
                Cut(photo: photo, left: 0.1), Cut(photo: photo, top: 0.15), Cut(photo: photo, right: 0.1),
                Cut(photo: photo, bottom: 0.1), Cut(photo: photo, left: 0.1, top: 0.1),
                Cut(photo: photo, top: 0.1, right: 0.1), Cut(photo: photo, left: 0.1, bottom: 0.1),
                Cut(photo: photo, right: 0.1, bottom: 0.1),
                Cut(photo: photo, left: 0.02, top: 0.02, right: 0.02, bottom: 0.02),
            ]
        }

        /// The photo with every side cut that has a share, its face as it lies in the uncut photo, and how far the cut moved it.
        func picture(_ analyser: FaceAnalyser) throws -> (cut: Picture, whole: AlignedFace, shift: SIMD2<Float>) {
            let photo = try Photos.picture(photo)
            let face = try #require(try analyser.largestFace(in: photo, smallest: 20))
            let corners = face.detection.corners
            let size = SIMD2(corners[2] - corners[0], corners[3] - corners[1])
            func edge(_ share: Float, _ value: Float, _ otherwise: Int) -> Int { share > 0 ? Int(value) : otherwise }
            let x = edge(left, corners[0] + left * size.x, 0)
            let y = edge(top, corners[1] + top * size.y, 0)
            let maxX = edge(right, corners[2] - right * size.x, photo.image.width)
            let maxY = edge(bottom, corners[3] - bottom * size.y, photo.image.height)
            let image = photo.image.cropped(x: x, y: y, width: maxX - x, height: maxY - y)
            return (
                try Picture(Encoded.png(image), limits: ImageLimits()), face, SIMD2(Float(x), Float(y))
            )
        }
    }

    @Test("a face that is cut off has its marks where they are, and is the same person's", arguments: Cut.all)
    func cut(_ cut: Cut) async throws {
        try await Networks.lanes().withLane { lane in
            try await lane.run { analyser in
                let (picture, whole, shift) = try cut.picture(analyser)
                let face = try #require(try analyser.largestFace(in: picture, smallest: 20))
                let eyes = whole.detection.landmarks[1] - whole.detection.landmarks[0]
                let distance = (eyes * eyes).sum().squareRoot()
                for (mark, other) in zip(face.detection.landmarks, whole.detection.landmarks) {
                    let offset = mark + shift - other
                    #expect((offset * offset).sum().squareRoot() < 0.12 * distance)
                }
                let box = face.face.box
                #expect(box.x >= 0 && box.y >= 0)
                #expect(box.x + box.width <= Float(picture.size.width))
                #expect(box.y + box.height <= Float(picture.size.height))
                #expect(face.refusal == nil)
                let readings = try analyser.read([whole, face])
                let cosine = zip(try #require(readings[0].identity), try #require(readings[1].identity))
                    .reduce(0) { $0 + $1.0 * $1.1 }
                #expect(1 - cosine <= analyser.networks.identification.match)
            }
        }
    }

    @Test("the same pixels with a black border have the same face", arguments: Cut.all)
    func border(_ cut: Cut) async throws {
        try await Networks.lanes().withLane { lane in
            try await lane.run { analyser in
                let (picture, _, _) = try cut.picture(analyser)
                let margin = 64
                let bordered = try Picture(Encoded.png(picture.image.bordered(by: margin)), limits: ImageLimits())
                let face = try #require(try analyser.largestFace(in: picture, smallest: 20)).detection
                let other = try #require(try analyser.largestFace(in: bordered, smallest: 20)).detection
                let size = face.corners[2] - face.corners[0]
                for (mark, elsewhere) in zip(face.landmarks, other.landmarks) {
                    let offset = mark + Float(margin) - elsewhere
                    #expect((offset * offset).sum().squareRoot() < 0.06 * size)
                }
            }
        }
    }

    @Test(
        "a face cut above the nose is looked at and recognised as nobody's",
        arguments: ["astronaut.png", "biden.jpg"])
    func withoutEyes(photo: String) async throws {
        let lanes = try Networks.lanes()
        let file = try await lanes.withLane { lane in
            try await lane.run { analyser in
                let photo = try Photos.picture(photo)
                let marks = try #require(try analyser.largestFace(in: photo, smallest: 20)).detection.landmarks
                let y = Int((marks[0].y + marks[2].y) / 2)
                return Encoded.png(
                    photo.image.cropped(x: 0, y: y, width: photo.image.width, height: photo.image.height - y))
            }
        }
        let (face, reading) = try await lanes.withLane { lane in
            let face = try await lane.look(at: file, LookSettings())
            return (face, try await lane.read([face])[0])
        }
        #expect(face.refusal == .faceCutOff)
        #expect(reading.identity == nil)
        #expect(reading.expression.vector.count == 16)
    }
}
