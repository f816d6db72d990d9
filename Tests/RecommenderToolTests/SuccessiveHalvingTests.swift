import RecommenderTool
import Testing

@Suite(.timeLimit(.minutes(5))) struct SuccessiveHalvingTests {
    @Test func spendsMoreOnFewer() {
        let halving = SuccessiveHalving(candidates: 27, budget: 18)
        #expect(
            halving.rounds == [
                .init(budget: 2, survivors: 9), .init(budget: 6, survivors: 3), .init(budget: 18, survivors: 1),
            ])
        #expect(SuccessiveHalving(candidates: 1, budget: 4).rounds == [.init(budget: 4, survivors: 1)])
        #expect(SuccessiveHalving(candidates: 100, budget: 1).rounds.map(\.budget).allSatisfy { $0 == 1 })
    }

    @Test func findsTheBestAndRanksTheRest() {
        var spent = 0
        let ranking = SuccessiveHalving(candidates: 9, budget: 6).run(Array(0..<9)) { candidate, budget in
            spent += budget
            return -Double((candidate - 4) * (candidate - 4))
        }
        #expect(ranking.first?.candidate == 4)
        #expect(ranking.map(\.candidate).sorted() == Array(0..<9))
        #expect(ranking.prefix(3).allSatisfy { $0.budget == 6 })
        #expect(spent == 9 * 2 + 3 * 6)
    }

    /// What is best early need not be best in the end: the last round decides.
    @Test func theLastRoundDecides() {
        let ranking = SuccessiveHalving(candidates: 4, budget: 9).run([1, 2, 3, 4]) { candidate, budget in
            budget < 9 ? Double(candidate) : -Double(candidate)
        }
        #expect(ranking.first?.candidate == 3)
    }
}
