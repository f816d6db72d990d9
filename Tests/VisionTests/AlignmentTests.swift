import Foundation
import Messages
import Testing

@testable import Vision

@Suite("Alignment")
struct AlignmentTests {
    private let template: [SIMD2<Float>] = [
        [38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041],
    ]

    @Test("a similarity is found again from what it did")
    func exact() throws {
        for (angle, scale) in [(0, 1), (0.3, 2), (-2, 0.4), (3.1, 10)] as [(Double, Double)] {
            let known = SimilarityTransform(
                a: Float(scale * cos(angle)), b: Float(scale * sin(angle)), shift: [12, -30])
            let found = try #require(SimilarityTransform(from: template, to: template.map { known($0) }))
            #expect(abs(found.a - known.a) < 1e-3 && abs(found.b - known.b) < 1e-3)
            #expect(abs(found.shift.x - 12) < 0.05 && abs(found.shift.y + 30) < 0.05)
            #expect(abs(found.scale - Float(scale)) < 1e-3)
            let back = known.inverse(known([7, 9]))
            #expect(abs(back.x - 7) < 1e-3 && abs(back.y - 9) < 1e-3)
        }
    }

    @Test("among similarities it has the least squares")
    func leastSquares() throws {
        let source: [SIMD2<Float>] = [[100, 101], [141, 96], [119, 130], [105, 150], [140, 147]]
        let best = try #require(SimilarityTransform(from: source, to: template))
        func error(_ transform: SimilarityTransform) -> Float {
            zip(source, template).reduce(0) { sum, pair in
                let offset = transform(pair.0) - pair.1
                return sum + (offset * offset).sum()
            }
        }
        let least = error(best)
        for (da, db, shift) in [
            (0.002, 0, [0, 0]), (-0.002, 0, [0, 0]), (0, 0.002, [0, 0]), (0, -0.002, [0, 0]), (0, 0, [0.3, 0]),
            (0, 0, [0, -0.3]),
        ] as [(Float, Float, SIMD2<Float>)] {
            #expect(error(SimilarityTransform(a: best.a + da, b: best.b + db, shift: best.shift + shift)) > least)
        }
    }

    @Test("points in one place have no similarity")
    func degenerate() {
        let same = [SIMD2<Float>](repeating: [3, 4], count: 5)
        #expect(SimilarityTransform(from: same, to: template) == nil)
        #expect(SimilarityTransform(from: template, to: same) == nil)
        #expect(SimilarityTransform(from: [SIMD2(.nan, 0)] + template.dropFirst(), to: template) == nil)
    }

    @Test("the identity leaves a picture as it is, a shift moves it and leaves black")
    func warping() {
        let image = Photos.ramp(width: 20, height: 10)
        let identity = SimilarityTransform(a: 1, b: 0, shift: .zero)
        #expect(image.warped(by: identity, width: 20, height: 10) == image)
        let moved = image.warped(by: SimilarityTransform(a: 1, b: 0, shift: [3, 2]), width: 20, height: 10)
        #expect(moved.pixels[..<3].allSatisfy { $0 == 0 })
        let (x, y) = (9, 6)
        #expect(
            Array(moved.pixels[3 * (y * 20 + x)..<3 * (y * 20 + x) + 3])
                == Array(image.pixels[3 * ((y - 2) * 20 + x - 3)..<3 * ((y - 2) * 20 + x - 3) + 3]))
    }

    @Test("half a pixel is the mean of two")
    func bilinear() {
        let image = RGBImage(width: 2, height: 1, pixels: [0, 0, 0, 100, 200, 50])
        let half = image.warped(by: SimilarityTransform(a: 1, b: 0, shift: [-0.5, 0]), width: 1, height: 1)
        #expect(half.pixels == [50, 100, 25])
    }

    @Test("a picture shrunk to a quarter keeps its mean grey")
    func shrinking() {
        let chequered = RGBImage(
            width: 64, height: 64,
            pixels: (0..<64 * 64).flatMap { i in [UInt8](repeating: (i % 64 + i / 64) % 2 == 0 ? 0 : 255, count: 3) })
        let small = chequered.warped(by: SimilarityTransform(a: 0.25, b: 0, shift: .zero), width: 16, height: 16)
        let inner = (4..<12).flatMap { y in (4..<12).map { small.pixels[3 * (16 * y + $0)] } }
        #expect(inner.allSatisfy { abs(Int($0) - 128) < 40 })
    }

    @Test("yaw is the nose's way along the eye axis, whatever the tilt")
    func yaw() {
        let frontal: [SIMD2<Float>] = [[0, 0], [10, 0], [5, 8], [2, 14], [8, 14]]
        #expect(FaceQuality.yaw(frontal) == 0)
        #expect(abs(FaceQuality.yaw([[0, 0], [10, 0], [8, 8], [2, 14], [8, 14]]) - 0.3) < 1e-6)
        #expect(abs(FaceQuality.yaw([[0, 0], [10, 0], [2, 8], [2, 14], [8, 14]]) - 0.3) < 1e-6)
        let turn = SimilarityTransform(a: 1.2, b: 0.9, shift: [40, 50])
        #expect(abs(FaceQuality.yaw([[0, 0], [10, 0], [8, 8], [2, 14], [8, 14]].map { turn($0) }) - 0.3) < 1e-5)
        #expect(FaceQuality.yaw([SIMD2<Float>](repeating: .zero, count: 5)) == 1)
    }

    @Test("sharpness is the variance of the Laplacian")
    func sharpness() {
        #expect(Photos.plain(width: 10, height: 10).sharpness < 1e-3)
        #expect(Photos.plain(width: 2, height: 10).sharpness == 0)
        // One white pixel in 3 x 5: Laplacians of the inner three are 255, -1020, 255.
        var pixels = [UInt8](repeating: 0, count: 45)
        for channel in 0..<3 { pixels[3 * 7 + channel] = 255 }
        let mean: Float = (255 - 1020 + 255) / 3
        let wanted = ((255 - mean) * (255 - mean) * 2 + (-1020 - mean) * (-1020 - mean)) / 3
        #expect(abs(RGBImage(width: 5, height: 3, pixels: pixels).sharpness - wanted) < 20)
    }
}
