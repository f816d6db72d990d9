import ImplicitALS
import Testing

@Suite(.timeLimit(.minutes(5))) struct SparseRowsTests {
    private func rows(_ entries: [(row: Int, column: Int)], count: Int) -> SparseRows {
        var builder = SparseRows.Builder()
        for (row, column) in entries { builder.append(row: row, column: column, value: Float(10 * row + column)) }
        return builder.build(rows: count)
    }

    @Test func columnsAreLeftOutAndRenumbered() {
        let renumbered = rows([(0, 1), (0, 2), (1, 2), (3, 0), (3, 3)], count: 4).renumberingColumns([0, 1, -1, 2])
        #expect(renumbered.columns == [1, 0, 2])
        #expect(renumbered.values == [1, 30, 33])
        #expect((0..<4).map { renumbered.range(of: $0) } == [0..<1, 1..<1, 1..<1, 1..<3])
    }

    @Test func rowsGoBelowOthers() {
        var upper = rows([(0, 1), (2, 0)], count: 4)
        upper.append(rows([(1, 3)], count: 2))
        var expected = SparseRows.Builder()
        for (row, column, value) in [(0, 1, 1), (2, 0, 20), (5, 3, 13)] as [(Int, Int, Float)] {
            expected.append(row: row, column: column, value: value)
        }
        #expect(upper == expected.build(rows: 6))
    }

    @Test func aRowIsAddedWithoutOneEntry() {
        let matrix = rows([(0, 1), (0, 4), (0, 7)], count: 2)
        var other = SparseRows()
        for position in 0..<3 { other.append(row: 0, of: matrix, without: position) }
        other.append(row: 1, of: matrix)
        other.append(row: 0, of: matrix)
        #expect(other.offsets == [0, 2, 4, 6, 6, 9])
        #expect(other.columns == [4, 7, 1, 7, 1, 4, 1, 4, 7])
        #expect(other.values == other.columns.map(Float.init))
    }

    @Test func sortsAndSumsWithinARow() {
        var builder = SparseRows.Builder()
        builder.append(row: 1, column: 4, value: 1)
        builder.append(row: 1, column: 2, value: 2)
        builder.append(row: 1, column: 4, value: 3)
        builder.append(row: 3, column: 0, value: 5)
        let rows = builder.build(rows: 5)
        #expect(rows.offsets == [0, 0, 2, 2, 3, 3])
        #expect(rows.columns == [2, 4, 0])
        #expect(rows.values == [2, 4, 5])
    }

    @Test func transposingTwiceGivesTheSame() {
        let matrix = randomRatings(users: 31, items: 17, density: 0.2, seed: 9)
        let rows = Ratings(matrix).byUser
        #expect(rows.transposed(columns: 17).transposed(columns: 31) == rows)
        #expect(rows.transposed(columns: 17).count == 17)
        for threads in 2...5 { #expect(rows.transposed(columns: 17, threads: threads) == rows.transposed(columns: 17)) }
    }
}
