import ArgumentParser
import Foundation
import Testing

@testable import Vision

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
                (
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
                    (
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

    @Test(
        "no face is found in a picture without one, whatever its size",
        arguments: [(12, 12), (1, 1), (300, 7), (64, 200)])
    func none(width: Int, height: Int) async throws {
        let picture = try Picture(Encoded.png(Photos.plain(width: width, height: height)), limits: ImageLimits())
        let found = try await Networks.lanes().withLane { lane in
            try await lane.run {
                $0.largestFace(in: picture, smallest: 20) == nil && $0.faces(in: picture, smallest: 20).isEmpty
            }
        }
        #expect(found)
    }
}

extension RGBImage {
    /// Two pictures of one height side by side; the lower one is filled up with grey.
    fileprivate func beside(_ other: RGBImage) -> RGBImage {
        let height = max(height, other.height)
        func row(_ image: RGBImage, _ y: Int) -> [UInt8] {
            guard y < image.height else { return [UInt8](repeating: 128, count: 3 * image.width) }
            return Array(image.pixels[3 * y * image.width..<3 * (y + 1) * image.width])
        }
        return RGBImage(
            width: width + other.width, height: height, pixels: (0..<height).flatMap { row(self, $0) + row(other, $0) })
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

    @Test("a box is cut to the picture, and one outside has no pixels")
    func regions() {
        let image = SummedAreas(Photos.plain(width: 100, height: 50))
        #expect(
            candidate([-5.5, 3.9, 40.2, 80], 1).region(in: image) == PixelRegion(x: 0, y: 2, width: 40, height: 48))
        #expect(candidate([1, 1, 100, 50], 1).region(in: image) == PixelRegion(x: 0, y: 0, width: 100, height: 50))
        #expect(candidate([120, 0, 140, 20], 1).region(in: image) == nil)
        #expect(candidate([-30, -30, -2, -2], 1).region(in: image) == nil)
        #expect(candidate([-1e30, -1e30, 1e30, 1e30], 1).region(in: image)?.width == 100)
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
        let input = Normalisation(mean: [10, 0, 0, 0], factor: [1, 2, 1, 0])
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
                region, width: side, height: side, normalisation: Normalisation(mean: .zero, factor: .one),
                into: $0.baseAddress!, layout: PlaneLayout(column: 1, row: side, plane: side * side))
        }
        return target
    }
}
