import ModelManifest
import Testing

@testable import Identity

@Suite(.timeLimit(.minutes(5)))
struct DecisionTests {
    let identification = Identification(
        match: 0.4, enrol: 0.6, near: 0.3, claim: 0.45, minimumFace: 40, minimumSharpness: 20, maximumYaw: 0.5)

    @Test(arguments: [
        (nil as Float?, nil as Declaration?, Decision.enrol), (0.0, nil, .match), (0.4, nil, .match),
        (0.41, nil, .undecided), (0.6, nil, .undecided), (0.61, nil, .enrol), (0.5, .isNew, .enrol),
        (0.4, .isNew, .match), (nil, .isKnown, .undecided), (0.4, .isKnown, .match), (0.61, .isKnown, .undecided),
    ])
    func twoThresholdsWithABandBetween(normalised: Float?, declared: Declaration?, decision: Decision) {
        let distance = normalised.map { Distance(cosine: 0.5, paired: $0, normalised: $0) }
        #expect(identification.decide(distance: distance, declared: declared) == decision)
    }

    @Test(arguments: [
        (0.3 as Float, nil as Declaration?, Decision.undecided), (0.31, nil, .enrol), (0.3, .isNew, .enrol),
    ])
    func whoIsNearByCosineIsNobodyNewUnlessDeclared(cosine: Float, declared: Declaration?, decision: Decision) {
        let distance = Distance(cosine: cosine, paired: 0.7, normalised: 0.7)
        #expect(identification.decide(distance: distance, declared: declared) == decision)
    }

    @Test(arguments: [(0.45 as Float, 0.5 as Float, Decision.match), (0.46, 0.5, .undecided), (0.45, 0.61, .undecided)])
    func whoSaysThatTheyAreKnownIsSoWithinTheBandWhereAClaimWouldHold(
        paired: Float, normalised: Float, decision: Decision
    ) {
        let distance = Distance(cosine: 0.4, paired: paired, normalised: normalised)
        #expect(identification.decide(distance: distance, declared: .isKnown) == decision)
    }
}
