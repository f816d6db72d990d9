import Messages
import ModelManifest
import Testing

@testable import Vision

@Suite("Recognition's gate")
struct RecognitionGateTests {
    private let identification = Identification(
        match: 0.4, enrol: 0.6, minimumFace: 40, minimumSharpness: 20, maximumYaw: 0.5, minimumProbability: 0.9)

    private func face(
        size: Float = 40, sharpness: Float = 20, yaw: Float = 0, probability: Float = 0.9,
        leftEye: Point = Point(x: 30, y: 25), rightEye: Point = Point(x: 60, y: 25)
    ) -> Face {
        let other = Point(x: -5, y: 70)
        return Face(
            box: Box(x: 0, y: 0, width: 40, height: 50),
            landmarks: Landmarks(
                leftEye: leftEye, rightEye: rightEye, nose: other, leftMouth: other, rightMouth: other),
            probability: probability, quality: FaceQuality(size: size, sharpness: sharpness, yaw: yaw))
    }

    @Test("a face that is not fit is refused with the reason")
    func reasons() {
        let picture = PixelSize(width: 100, height: 50)
        func refusal(_ face: Face) -> Person.Reason? { identification.refusal(of: face, in: picture) }
        #expect(refusal(face()) == nil)
        #expect(refusal(face(yaw: -0.5)) == nil)
        #expect(refusal(face(size: 39)) == .faceTooSmall)
        #expect(refusal(face(sharpness: 19)) == .faceBlurred)
        #expect(refusal(face(yaw: -0.51)) == .faceTurned)
        #expect(refusal(face(probability: 0.89)) == .faceUnclear)
        // A tenth of 30 pixels must be seen about each.
        #expect(refusal(face(leftEye: Point(x: 30, y: 3.1), rightEye: Point(x: 60, y: 3.1))) == nil)
        #expect(refusal(face(leftEye: Point(x: 30, y: 2.9), rightEye: Point(x: 60, y: 3.1))) == .faceCutOff)
        #expect(refusal(face(leftEye: Point(x: 30, y: 47.1), rightEye: Point(x: 60, y: 46))) == .faceCutOff)
        #expect(refusal(face(leftEye: Point(x: 2, y: 25), rightEye: Point(x: 32, y: 25))) == .faceCutOff)
        #expect(refusal(face(leftEye: Point(x: 68, y: 25), rightEye: Point(x: 98, y: 25))) == .faceCutOff)
        #expect(refusal(face(leftEye: Point(x: -9, y: 25), rightEye: Point(x: 30, y: 25))) == .faceCutOff)
    }
}
