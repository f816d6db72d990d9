import Foundation
import Messages
import ModelManifest
import Testing

@testable import Vision

@Suite("Turned heads")
struct TurnedTests {
    static let photos = ["astronaut.png", "obama.jpg", "biden.jpg"]
    static let turns = [Orientation.turnedLeft, .upsideDown, .turnedRight]

    private func look(_ image: RGBImage) async throws -> (face: AlignedFace, reading: FaceReading) {
        try await look(Encoded.png(image))
    }

    private func look(_ file: Data) async throws -> (face: AlignedFace, reading: FaceReading) {
        try await Networks.lanes().withLane { lane in
            let face = try await lane.look(at: file, LookSettings())
            return (face, try await lane.read([face])[0])
        }
    }

    /// Whether two looks saw the same person with the same look in the face, recognised both.
    private func expectSame(
        _ first: (face: AlignedFace, reading: FaceReading), _ second: (face: AlignedFace, reading: FaceReading)
    ) throws {
        let networks = try Networks.lanes().networks
        #expect(first.face.refusal == nil && second.face.refusal == nil)
        let cosine = zip(try #require(first.reading.identity), try #require(second.reading.identity))
            .reduce(0) { $0 + $1.0 * $1.1 }
        #expect(1 - cosine <= networks.identification.match)
        func mood(_ reading: FaceReading) -> MoodName { networks.moods.mood(reading.expression.ferplus).name }
        #expect(mood(first.reading) == mood(second.reading))
    }

    @Test("a head turned by a quarter or a half is the same face, marked where it lies", arguments: photos, turns)
    func turned(photo: String, turn: Orientation) async throws {
        let upright = try Photos.picture(photo).image
        let picture = upright.turned(upright: turn)
        let (whole, found) = (try await look(upright), try await look(picture))
        try expectSame(whole, found)
        for (mark, other) in zip(found.face.detection.landmarks, whole.face.detection.landmarks) {
            let offset = turn.stored(mark, width: upright.width, height: upright.height) - other
            #expect((offset * offset).sum().squareRoot() < 6)
        }
        #expect(found.face.picture == PixelSize(width: picture.width, height: picture.height))
    }

    @Test("the same within a border, small, and beside what is no face", arguments: photos, turns)
    func variants(photo: String, turn: Orientation) async throws {
        let upright = try Photos.picture(photo).image
        let whole = try await look(upright)
        let picture = upright.turned(upright: turn)
        try expectSame(whole, try await look(picture.bordered(by: 40)))
        try expectSame(whole, try await look(picture.bordered(by: 300, 200)))
        try expectSame(whole, try await look(picture.resized(by: 0.6)))
    }

    @Test("what EXIF says is done first", arguments: [6, 3, 8])
    func exif(orientation: Int) async throws {
        let upright = try Photos.picture("obama.jpg").image
        let whole = try await look(upright)
        // The camera was held so, and its block is wrong by another half turn.
        let file = Encoded.jpeg(upright, orientation: orientation)
        let found = try await look(file)
        try expectSame(whole, found)
        #expect(found.face.picture.width == (orientation == 3 ? upright.width : upright.height))
    }

    @Test("points and pixels turn alike", arguments: Orientation.allCases)
    func points(orientation: Orientation) {
        let stored = Photos.ramp(width: 7, height: 5)
        let upright = stored.turned(upright: orientation)
        func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> [UInt8] {
            Array(image.pixels[3 * (y * image.width + x)..<3 * (y * image.width + x) + 3])
        }
        for y in 0..<upright.height {
            for x in 0..<upright.width {
                let point = orientation.stored(SIMD2(Float(x), Float(y)), width: 7, height: 5)
                #expect(pixel(upright, x, y) == pixel(stored, Int(point.x), Int(point.y)))
            }
        }
    }
}
