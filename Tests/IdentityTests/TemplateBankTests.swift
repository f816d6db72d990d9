import Foundation
import ModelManifest
import Testing

@testable import Identity

@Suite(.timeLimit(.minutes(5)))
struct TemplateBankTests {
    @Test func onlyWhatIsNearEnoughAndShowsSomethingNewIsAdded() {
        let bank = bank([0])
        #expect(bank.change(for: turned(30), at: 0.3, limit: 8) == .add)
        #expect(bank.change(for: turned(30), at: 0.31, limit: 8) == .none)
        // The next frame of the same snapshot.
        #expect(bank.change(for: turned(10), at: 0.02, limit: 8) == .none)
    }

    @Test func inAFullBankTheOlderOfTheTwoMostAlikeMakesRoom() {
        let bank = bank([0, 30, 55])
        // 30 and 55 degrees are the two most alike.
        #expect(bank.change(for: turned(-28), at: 0.1, limit: 3) == .replace(1))
        // It differs less from one that is there than those two do.
        #expect(bank.change(for: turned(-22), at: 0.1, limit: 3) == .none)
    }

    @Test func oneWrongTemplateBringsNoOther() {
        // The one at 75 degrees is somebody else's.
        for wrong in [bank([0, 75]), bank([0, 20, 75])] {
            #expect(wrong.change(for: turned(95), at: 0.1, limit: 8) == .none)
            #expect(wrong.change(for: turned(-20), at: 0.1, limit: 8) == .add)
        }
    }

    @Test func withoutATemplateNothingIsAdded() {
        #expect(bank([]).change(for: turned(0), at: 0, limit: 8) == .none)
    }

    /// Templates at angles; up to 60 degrees a claim holds.
    private func bank(_ angles: [Float]) -> TemplateBank {
        TemplateBank(
            kept: angles.enumerated().map { TemplateBank.Kept(id: Int64($0.offset), template: turned($0.element)) },
            identification: Identification(
                match: 0.4, enrol: 0.6, claim: 0.501, add: 0.3, minimumFace: 40, minimumSharpness: 0, maximumYaw: 1),
            normalisation: ScoreNormalisation())
    }

    private func turned(_ angle: Float) -> [Float] {
        [cos(angle * .pi / 180), sin(angle * .pi / 180)]
    }
}
