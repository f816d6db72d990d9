import ModelManifest
import Testing

@testable import Identity

@Suite(.timeLimit(.minutes(5)))
struct DecisionTests {
    let identification = Identification(
        match: 0.4, enrol: 0.6, near: 0.3, minimumFace: 40, minimumSharpness: 20, maximumYaw: 0.5)

    @Test(arguments: [
        (nil as Float?, false, Decision.enrol), (0.0, false, .match), (0.4, false, .match), (0.41, false, .undecided),
        (0.6, false, .undecided), (0.61, false, .enrol), (0.5, true, .enrol), (0.4, true, .match),
    ])
    func twoThresholdsWithABandBetween(normalised: Float?, declaredNew: Bool, decision: Decision) {
        let distance = normalised.map { Distance(cosine: 0.5, normalised: $0) }
        #expect(identification.decide(distance: distance, declaredNew: declaredNew) == decision)
    }

    @Test(arguments: [
        (0.3 as Float, false, Decision.undecided), (0.31, false, .enrol), (0.3, true, .enrol),
    ])
    func whoIsNearByCosineIsNobodyNewUnlessDeclared(cosine: Float, declaredNew: Bool, decision: Decision) {
        let distance = Distance(cosine: cosine, normalised: 0.7)
        #expect(identification.decide(distance: distance, declaredNew: declaredNew) == decision)
    }
}
