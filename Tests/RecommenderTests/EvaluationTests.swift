import Foundation
import Recommender
import Testing

@Suite struct RankingEvaluationTests {
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

@Suite struct RatingsFileTests {
    private let text = "user,item,count\na,x,2\na,y,1\nb,x,1\na,x,3\nb,z,0\nb,z,4\nc,z\n"

    @Test func readsNamesCountsAndRepetitions() throws {
        let file = try RatingsFile(csv: Array(text.utf8))
        #expect(file.users == ["a", "b", "c"])
        #expect(file.items == ["x", "y", "z"])
        #expect(file.ratings.byUser.columns == [0, 1, 0, 2, 2])
        #expect(file.ratings.byUser.values == [5, 1, 1, 4, 1])
    }

    @Test(arguments: [
        ("a,x,1\nb\n", RatingsFile.InvalidFile.line(2)), ("a,x,1\nb,y,-1\n", .line(2)), ("a,x,1\nb,y,q\n", .line(2)),
        ("user,item,count\n", .empty), ("", .empty),
    ])
    func refusesOtherFiles(text: String, error: RatingsFile.InvalidFile) {
        #expect(throws: error) { try RatingsFile(csv: Array(text.utf8)) }
    }

    @Test func aFileThatIsNotThereIsNamed() {
        #expect(throws: RatingsFile.InvalidFile.unreadable("/no/such/file")) { try RatingsFile(path: "/no/such/file") }
    }

    @Test func holdsBackTheLastOrAFifth() throws {
        let lines = (0..<3).flatMap { user in (0..<10).map { "\(user),\($0),1" } } + ["alone,0,1"]
        let file = try RatingsFile(csv: Array(lines.joined(separator: "\n").utf8))
        let last = file.split(.last, seed: 1)
        #expect(last.heldBack.columns == [9, 9, 9])
        #expect(last.training.count == 28)
        let fifth = file.split(.fifth, seed: 1)
        #expect(fifth.heldBack.columns.count == 6)
        #expect(fifth.training.count == 25)
        #expect(fifth.heldBack == file.split(.fifth, seed: 1).heldBack)
        #expect(fifth.heldBack != file.split(.fifth, seed: 2).heldBack)
    }

    @Test func aSecondFileIsWhatIsHeldBack() throws {
        let training = try RatingsFile(csv: Array("a,x,1\nb,y,1\n".utf8))
        let other = try RatingsFile(csv: Array("b,x,1\nb,unknown,1\nstranger,x,1\n".utf8))
        let evaluation = training.evaluation(heldBack: other)
        #expect(evaluation.heldBack.offsets == [0, 0, 2])
        #expect(evaluation.heldBack.columns[0] == 0)
        // What training lacks can't be found, and counts as missed.
        #expect(evaluation.measure { _ in [0] }.recall20 == 0.5)
    }
}
