import ArgumentParser
import Foundation
import Messages
import Testing

@testable import Vision
@testable import VisionTool

@Suite("Detection")
struct DetectionTests {
    /// What facenet-pytorch 2.6.0 finds in the photos (smallest face 20).
    struct Reference: Decodable {
        var box: [Float]
        var probability: Float
        var landmarks: [[Float]]
    }

    private static func references() throws -> [String: [Reference]] {
        try JSONDecoder().decode([String: [Reference]].self, from: Photos.data("facenet-pytorch.json"))
    }

    @Test("a smallest face that no window can be is refused", arguments: ["0", "11", "10001", "nan"])
    func smallest(pixels: String) {
        #expect(throws: (any Error).self) { _ = try Detect.parse(["--smallest", pixels, "photo.jpg"]) }
        #expect(throws: (any Error).self) { _ = try TimeLoop.parse(["--smallest", pixels]) }
        #expect(throws: Never.self) { _ = try Detect.parse(["--smallest", "12", "photo.jpg"]) }
    }

    @Test("the full cascade finds facenet-pytorch's faces", arguments: ["astronaut.png", "obama.jpg", "biden.jpg"])
    func sameAsReference(photo: String) async throws {
        let wanted = try #require(try Self.references()[photo])
        let picture = try Photos.picture(photo)
        let (all, largest) = try await Networks.lanes().withLane { lane in
            try await lane.run { analyser in
                try (
                    analyser.faces(in: picture, smallest: 20),
                    analyser.largestFace(in: picture, smallest: 20)
                )
            }
        }
        #expect(all.count == wanted.count)
        for (face, reference) in zip(all, wanted) {
            let box = SIMD4(reference.box[0], reference.box[1], reference.box[2], reference.box[3])
            #expect(overlap(face.corners, box) > 0.98)
            #expect(abs(face.probability - reference.probability) < 1e-3)
            for (point, other) in zip(face.landmarks, reference.landmarks) {
                #expect(abs(point.x - other[0]) < 0.5 && abs(point.y - other[1]) < 0.5)
            }
        }
        // The service's shorter search sees fewer candidates, so its box may differ a little.
        #expect(overlap(try #require(largest).detection.corners, all[0].corners) > 0.9)
    }

    @Test("the larger of two faces is found, on either side")
    func largest() async throws {
        let large = try Photos.picture("obama.jpg").image
        let small = try Photos.picture("biden.jpg").image
        for isLargeFirst in [true, false] {
            let pair = isLargeFirst ? [large, small] : [small, large]
            let picture = try Picture(Encoded.png(pair[0].beside(pair[1])), limits: ImageLimits())
            let (all, found) = try await Networks.lanes().withLane { lane in
                try await lane.run { analyser in
                    try (
                        analyser.faces(in: picture, smallest: 20),
                        analyser.largestFace(in: picture, smallest: 20)
                    )
                }
            }
            #expect(all.count == 2)
            let middle = (try #require(found).detection.corners[0] + found!.detection.corners[2]) / 2
            #expect((middle < Float(pair[0].width)) == isLargeFirst)
        }
    }

    @Test("the largest is chosen among certain faces: what is less certain may be an elbow")
    func certainty() async throws {
        // A head upside-down is found at a probability at which much else is.
        let wrong = try Photos.picture("obama.jpg").image.turned(upright: .upsideDown)
        let right = try Photos.picture("biden.jpg").image
        let picture = try Picture(Encoded.png(wrong.beside(right)), limits: ImageLimits())
        let (all, found) = try await Networks.lanes().withLane { lane in
            try await lane.run { analyser in
                try (
                    analyser.faces(in: picture, smallest: 20),
                    analyser.largestFace(in: picture, smallest: 20)
                )
            }
        }
        #expect(all[0].corners[2] < Float(wrong.width) && all[0].probability < 0.998)
        #expect(try #require(found).detection.corners[0] > Float(wrong.width))
    }

    @Test("a crowd costs no more than it may, and its largest face is found")
    func crowd() async throws {
        let face = try Photos.picture("astronaut.png").image.cropped(x: 174, y: 60, width: 100, height: 116)
        let (small, large) = (face.resized(by: 0.3), face.bordered(by: 20, 128))
        var crowd = Photos.plain(width: 40 * small.width, height: 40 * small.height)
        for place in 0..<1600 {
            crowd = crowd.overlaid(with: small, x: place % 40 * small.width, y: place / 40 * small.height)
        }
        let picture = try Picture(Encoded.png(crowd.overlaid(with: large, x: 600, y: 700)), limits: ImageLimits())
        let (all, found) = try await Networks.lanes().withLane { lane in
            try await lane.run { analyser in
                try (
                    analyser.faces(in: picture, smallest: 20),
                    analyser.largestFace(in: picture, smallest: 20)
                )
            }
        }
        #expect((100...512).contains(all.count))
        #expect(overlap(try #require(found).detection.corners, [625, 720, 715, 830]) > 0.5)
    }

    @Test("the search ends with the work that a picture may be")
    func limited() async throws {
        let picture = try Photos.picture("obama.jpg")
        await #expect {
            _ = try await Networks.lanes().withLane { lane in
                try await lane.run { _ = try $0.largestFace(in: picture, smallest: 20, within: WorkLimit(.zero)) }
            }
        } throws: {
            ($0 as? Failure)?.kind == .tooLarge
        }
    }

    @Test(
        "no face is found in a picture without one, whatever its size",
        arguments: [(12, 12), (1, 1), (300, 7), (64, 200)])
    func none(width: Int, height: Int) async throws {
        let picture = try Picture(Encoded.png(Photos.plain(width: width, height: height)), limits: ImageLimits())
        let found = try await Networks.lanes().withLane { lane in
            try await lane.run {
                try $0.largestFace(in: picture, smallest: 20) == nil && $0.faces(in: picture, smallest: 20).isEmpty
            }
        }
        #expect(found)
    }
}

@Suite("Cascade")
struct CascadeTests {
    private func candidate(_ corners: SIMD4<Float>, _ score: Float) -> Candidate {
        Candidate(corners: corners, score: score, regression: .zero)
    }

    @Test("suppression keeps the best of what overlaps")
    func union() {
        let boxes = [
            candidate([0, 0, 10, 10], 0.8), candidate([1, 0, 11, 10], 0.9), candidate([20, 20, 30, 30], 0.7),
            candidate([5, 0, 15, 10], 0.6),
        ]
        // Overlaps with the second: 9/11 for the first, 6/14 for the last.
        #expect(boxes.suppressed(.union, above: 0.5).map(\.score) == [0.9, 0.7, 0.6])
        #expect(boxes.suppressed(.union, above: 0.9).map(\.score) == [0.9, 0.8, 0.7, 0.6])
        #expect(boxes.suppressed(.union, above: 0.4).map(\.score) == [0.9, 0.7])
        #expect([Candidate]().suppressed(.union, above: 0.5).isEmpty)
    }

    @Test("a box inside another goes by the smaller one's measure")
    func minimum() {
        let boxes = [candidate([0, 0, 99, 99], 0.9), candidate([10, 10, 29, 29], 0.8)]
        #expect(boxes.suppressed(.minimum, above: 0.7).count == 1)
        #expect(boxes.suppressed(.union, above: 0.7).count == 2)
    }

    @Test("the strongest are the best, and all where there are no more")
    func strongest() {
        let boxes = [0.5, 0.9, 0.7, 0.9, 0.6].enumerated().map { candidate([Float($0), 0, 9, 9], $1) }
        #expect(boxes.strongest(3) == [boxes[1], boxes[3], boxes[2]])
        #expect(boxes.strongest(5) == boxes)
    }

    @Test("windows leave the picture by the margin")
    func margin() throws {
        let levels = ImagePyramid(width: 30, height: 60, smallest: 20, margin: 4).levels
        // 30 pixels and twice 4 of a level's make 12 at a scale of 4/30.
        #expect(levels.count == 5)
        let last = try #require(levels.last)
        #expect(last.region.x == -Int(4 / last.scale) && last.region.width == 30 - 2 * last.region.x)
        #expect(levels.allSatisfy { min($0.width, $0.height) >= 12 })
        #expect(ImagePyramid(width: 30, height: 60, smallest: 20).levels.count == 2)
    }

    @Test("beyond the picture all is black")
    func resamplingBeyond() {
        let image = Photos.ramp(width: 9, height: 7)
        let bordered = SummedAreas(image.bordered(by: 5))
        for part in [
            PixelRegion(x: -3, y: -2, width: 8, height: 6), PixelRegion(x: 4, y: 3, width: 9, height: 8),
            PixelRegion(x: -5, y: -5, width: 19, height: 17), PixelRegion(x: -5, y: 1, width: 4, height: 3),
        ] {
            let moved = PixelRegion(x: part.x + 5, y: part.y + 5, width: part.width, height: part.height)
            #expect(resampled(SummedAreas(image), part) == resampled(bordered, moved))
        }
    }

    @Test("equal scores keep their order, so the result does not depend on chance")
    func ties() {
        let boxes = (0..<5).map { candidate([Float(20 * $0), 0, Float(20 * $0 + 10), 10], 0.5) }
        #expect(boxes.suppressed(.union, above: 0.5) == boxes)
    }

    @Test("regression and squaring move a box as MTCNN does")
    func boxes() {
        var box = candidate([10, 20, 30, 60], 1)
        box.regression = [0.1, -0.1, 0.2, 0.05]
        #expect(box.regressed(margin: 0).corners == [12, 16, 34, 62])
        #expect(box.regressed(margin: 1).corners == [12.1, 15.9, 34.2, 62.05])
        #expect(box.squared().corners == [0, 20, 40, 60])
    }

    @Test("a box keeps its size beyond the picture's edges, and one outside has no pixels")
    func regions() {
        let image = SummedAreas(Photos.plain(width: 100, height: 50))
        #expect(
            candidate([-5.5, 3.9, 40.2, 80], 1).region(in: image) == PixelRegion(x: -7, y: 2, width: 47, height: 78))
        #expect(candidate([1, 1, 100, 50], 1).region(in: image) == PixelRegion(x: 0, y: 0, width: 100, height: 50))
        #expect(candidate([120, 0, 140, 20], 1).region(in: image) == nil)
        #expect(candidate([-30, -30, -2, -2], 1).region(in: image) == nil)
        #expect(candidate([-1e30, -1e30, 1e30, 1e30], 1).region(in: image)?.width == 2_000_001)
    }

    @Test("the pyramid is facenet-pytorch's")
    func pyramid() {
        let levels = ImagePyramid(width: 1280, height: 720, smallest: 20).levels
        #expect(levels.count == 11)
        #expect(levels[0].width == 769)
        #expect(levels[0].height == 433)
        #expect(abs(levels[1].scale - 0.6 * 0.709) < 1e-6)
        #expect(levels.allSatisfy { min($0.width, $0.height) >= 12 })
        #expect(ImagePyramid(width: 19, height: 500, smallest: 20).levels.isEmpty)
    }

    @Test("resizing is by area")
    func resampling() {
        let image = RGBImage(width: 5, height: 1, pixels: [10, 20, 30, 40, 50].flatMap { [$0, $0, 0] })
        let input = PixelNormalisation(mean: [10, 0, 0, 0], factor: [1, 2, 1, 0])
        var target = [Float](repeating: -1, count: 6)
        target.withUnsafeMutableBufferPointer {
            let areas = SummedAreas(image)
            areas.resample(
                areas.region, width: 2, height: 1, normalisation: input, into: $0.baseAddress!,
                layout: PlaneLayout(column: 1, row: 2, plane: 2))
        }
        // Columns 0..<3 and 2..<5.
        #expect(target == [10, 30, 40, 80, 0, 0])
    }

    @Test("a part of a picture is resized as it would be alone, whatever picture came before")
    func resamplingParts() {
        var areas = SummedAreas()
        for (width, height) in [(61, 47), (37, 53), (9, 1)] {
            let pixels: [UInt8] = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
            areas.sum(RGBImage(width: width, height: height, pixels: pixels))
            let part = PixelRegion(x: width / 3, y: height / 4, width: width / 2, height: (height + 1) / 2)
            var cut: [UInt8] = []
            for y in part.y..<part.y + part.height {
                let start = 3 * (y * width + part.x)
                cut += pixels[start..<start + 3 * part.width]
            }
            let alone = SummedAreas(RGBImage(width: part.width, height: part.height, pixels: cut))
            #expect(resampled(areas, part) == resampled(alone, alone.region))
            let greens = stride(from: 1, to: pixels.count, by: 3).map { Float(pixels[$0]) }
            let mean = greens.reduce(0, +) / Float(greens.count)
            #expect(abs(resampled(areas, areas.region, side: 1)[1] - mean) < 1e-3)
        }
    }

    private func resampled(_ areas: SummedAreas, _ region: PixelRegion, side: Int = 7) -> [Float] {
        var target = [Float](repeating: -1, count: 3 * side * side)
        target.withUnsafeMutableBufferPointer {
            areas.resample(
                region, width: side, height: side, normalisation: PixelNormalisation(mean: .zero, factor: .one),
                into: $0.baseAddress!, layout: PlaneLayout(column: 1, row: side, plane: side * side))
        }
        return target
    }
}
