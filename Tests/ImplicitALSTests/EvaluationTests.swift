import Foundation
import ImplicitALS
import Testing

@Suite(.timeLimit(.minutes(5))) struct RankingEvaluationTests {
    private func rows(_ lists: [[Int]]) -> SparseRows {
        var builder = SparseRows.Builder()
        for (row, list) in lists.enumerated() {
            for column in list { builder.append(row: row, column: column, value: 1) }
        }
        return builder.build(rows: lists.count)
    }

    @Test func measuresAsTheFormulasSay() {
        let training = Ratings(byUser: rows([[0], [1], [2]]), items: 30)
        let evaluation = RankingEvaluation(training: training, heldBack: rows([[5, 6], [], [7]]))
        let metrics = evaluation.measure { $0 == 0 ? [9, 5, 8, 6] : [7] }
        #expect(metrics.users == 2)
        #expect(metrics.recall20 == 1)
        // 1/log₂3 and 1/log₂5.
        let (second, fourth) = (0.6309297535714575, 0.43067655807339306)
        let gain = (second + fourth) / (1 + second)
        #expect(abs(metrics.ndcg10 - (gain + 1) / 2) < 1e-12)
        #expect(metrics.ndcg10 == metrics.ndcg20)
        let late = evaluation.measure { _ in Array(10..<25) + [7] }
        #expect(late.recall20 == 0.5)
        #expect(late.ndcg10 == 0)
        #expect(late.ndcg20 > 0)
    }

    @Test func popularityLeavesOutWhatIsInTraining() {
        let training = Ratings(byUser: rows([[0, 1], [0, 1], [0, 2]]), items: 3)
        let evaluation = RankingEvaluation(training: training, heldBack: rows([[2], [2], [1]]))
        #expect(evaluation.measurePopularity(threads: 2) == RankingMetrics(recall20: 1, ndcg10: 1, ndcg20: 1, users: 3))
    }

    @Test func threadsDontChangeIt() {
        let ratings = randomRatings(users: 3000, items: 40, density: 0.2, seed: 4)
        let evaluation = RankingEvaluation(
            training: Ratings(ratings),
            heldBack: Ratings(randomRatings(users: 3000, items: 40, density: 0.1, seed: 5)).byUser)
        #expect(evaluation.measurePopularity(threads: 1) == evaluation.measurePopularity(threads: 3))
    }

    @Test func nobodyHeldBackIsZero() {
        let evaluation = RankingEvaluation(training: Ratings(byUser: rows([[0]]), items: 1), heldBack: rows([[]]))
        #expect(evaluation.measurePopularity(threads: 2) == RankingMetrics(recall20: 0, ndcg10: 0, ndcg20: 0, users: 0))
    }
}
