import Messages
import ModelManifest
import Testing

@testable import Identity

struct DecisionTests {
    let identification = Identification(
        match: 0.4, enrol: 0.6, minimumFace: 40, minimumSharpness: 20, maximumYaw: 0.5)

    @Test(arguments: [
        (nil as Float?, false, Decision.enrol), (0.0, false, .match), (0.4, false, .match), (0.41, false, .undecided),
        (0.6, false, .undecided), (0.61, false, .enrol), (0.5, true, .enrol), (0.4, true, .match),
    ])
    func twoThresholdsWithABandBetween(distance: Float?, declaredNew: Bool, decision: Decision) {
        #expect(identification.decide(distance: distance, among: 7, declaredNew: declaredNew) == decision)
    }

    @Test(arguments: [
        (1000, 0.4 as Float, 0.6 as Float), (10_000, 0.3, 0.55), (100, 0.5, 0.65), (2, 0.5, 0.65),
        (100_000_000, -0.1, 0.35),
    ])
    func amongMoreFacesBothThresholdsAreLower(count: Int, match: Float, enrol: Float) {
        let identification = Identification(
            match: 0.4, enrol: 0.6, matchPerDecade: 0.1, enrolPerDecade: 0.05, minimumFace: 40, minimumSharpness: 20,
            maximumYaw: 0.5)
        func decide(_ distance: Float) -> Decision {
            identification.decide(distance: distance, among: count, declaredNew: false)
        }
        #expect(decide(max(0, match - 0.001)) == (match > 0 ? .match : .undecided))
        #expect(decide(max(0, match + 0.001)) == .undecided)
        #expect(decide(enrol - 0.001) == .undecided)
        #expect(decide(enrol + 0.001) == .enrol)
    }

    @Test(arguments: [
        (FaceQuality(size: 40, sharpness: 20, yaw: -0.5), nil as Person.Reason?),
        (FaceQuality(size: 39, sharpness: 20, yaw: 0), .faceTooSmall),
        (FaceQuality(size: 40, sharpness: 19, yaw: 0), .faceBlurred),
        (FaceQuality(size: 40, sharpness: 20, yaw: -0.51), .faceTurned),
    ])
    func facesThatAreNotFitAreRefusedWithTheReason(quality: FaceQuality, reason: Person.Reason?) {
        #expect(identification.refusal(of: quality) == reason)
    }
}
