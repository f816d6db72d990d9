import Foundation
import Messages
import Testing

@testable import Vision

@Suite("Small faces of large pictures")
struct CloserTests {
    /// A large photo with a face of some 55 pixels, which is looked at in its half.
    private func photo() throws -> RGBImage {
        let face = try Photos.picture("biden.jpg").image.resized(by: 0.7)
        return Photos.plain(width: 2600, height: 1000).overlaid(with: face, x: 1200, y: 300)
    }

    @Test("a face is cut out of all pixels there are", arguments: [1, 6])
    func full(orientation: Int) async throws {
        let photo = try photo().turned(upright: orientation == 6 ? .turnedRight : .upright)
        let file = Encoded.jpeg(photo, orientation: orientation)
        var whole = LookSettings()
        whole.limits.side = .max
        let (found, wanted) = try await Networks.lanes().withLane { [whole] lane in
            (try await lane.look(at: file, LookSettings()), try await lane.look(at: file, whole))
        }
        #expect(found.refusal == nil)
        // The half gives 28 pixels at most, and boxes a few pixels off.
        #expect(abs(found.face.quality.size - wanted.face.quality.size) < 8 && wanted.face.quality.size > 50)
        #expect(overlap(found.detection.corners, wanted.detection.corners) > 0.75)
        // As sharp as the crop of all pixels: one of the half has less than half of that.
        #expect(found.face.quality.sharpness > 0.7 * wanted.face.quality.sharpness)
    }

    @Test("where memory does not allow that, quality says what was seen")
    func half() async throws {
        let file = Encoded.jpeg(try photo())
        var tight = LookSettings()
        tight.limits.memory = 6 * 2600 * 1000 - 1
        let face = try await Networks.lanes().withLane { [tight] lane in try await lane.look(at: file, tight) }
        #expect(face.refusal == .faceTooSmall)
        #expect((20...30).contains(face.face.quality.size))
        // The box is in pixels of the whole picture all the same.
        #expect(face.face.box.width > 50)
    }

    @Test("no memory is no closer look, and no work left is the end")
    func limits() throws {
        let file = Encoded.jpeg(Photos.plain(width: 2600, height: 1000))
        let picture = try Picture(file, limits: ImageLimits())
        var tight = ImageLimits()
        tight.memory = 6 * 2600 * 1000 - 1
        #expect(try picture.closer(by: 1, file, limits: tight, within: .unlimited) == nil)
        for limit in [tight, ImageLimits()] {
            let failure = #expect(throws: Failure.self) {
                try picture.closer(by: 1, file, limits: limit, within: WorkLimit(.nanoseconds(1)))
            }
            #expect(failure?.kind == .tooLarge && failure?.detail.contains("of work") == true)
        }
    }

    @Test("no picture is read again that has pixels enough")
    func enough() throws {
        let limits = ImageLimits()
        let large = try Picture(Encoded.jpeg(Photos.plain(width: 2600, height: 100)), limits: limits)
        #expect(large.image.width == 1300)
        #expect(large.halvings(for: 0.9).isEmpty && large.halvings(for: 1).isEmpty)
        #expect(large.halvings(for: 1.5) == [1] && large.halvings(for: 4) == [1])
        let small = try Picture(Encoded.jpeg(Photos.plain(width: 600, height: 100)), limits: limits)
        #expect(small.halvings(for: 4).isEmpty)
        let larger = try Picture(Encoded.jpeg(Photos.plain(width: 5200, height: 100)), limits: limits)
        #expect(larger.halvings(for: 1.9) == [1] && larger.halvings(for: 2.5) == [2, 1])
    }
}
