/// A sparse matrix in compressed rows (CSR): what each row's columns are, in ascending order, with their values.
package struct SparseRows: Sendable, Equatable {
    /// Where each row begins in `columns` and `values`; one more than there are rows.
    package private(set) var offsets: [Int]
    /// Column indices, ascending and unique within a row.
    package private(set) var columns: [Int32]
    /// One value a column, in the same order.
    package private(set) var values: [Float]

    /// How many rows there are, empty ones included.
    package var count: Int { offsets.count - 1 }

    /// The positions of row `row` in `columns` and `values`.
    package func range(of row: Int) -> Range<Int> { offsets[row]..<offsets[row + 1] }

    fileprivate init(offsets: [Int], columns: [Int32], values: [Float]) {
        self.offsets = offsets
        self.columns = columns
        self.values = values
    }

    /// Every column by another number; a column whose number is -1 is left out. The numbers of the others must ascend.
    package consuming func renumberingColumns(_ numbers: [Int32]) -> SparseRows {
        if numbers.indices.allSatisfy({ numbers[$0] == $0 }) { return self }
        var (filled, begin) = (0, 0)
        for row in 0..<count {
            let end = offsets[row + 1]
            for position in begin..<end where numbers[Int(columns[position])] >= 0 {
                columns[filled] = numbers[Int(columns[position])]
                values[filled] = values[position]
                filled += 1
            }
            (begin, offsets[row + 1]) = (end, filled)
        }
        columns.removeLast(columns.count - filled)
        values.removeLast(values.count - filled)
        return self
    }

    /// A matrix without rows, which has room for `capacity` entries at once.
    package init(capacity: Int = 0) {
        self.init(offsets: [0], columns: [], values: [])
        columns.reserveCapacity(capacity)
        values.reserveCapacity(capacity)
    }

    /// Adds a row below these; its columns must ascend.
    package mutating func append(columns: ArraySlice<Int32>, values: ArraySlice<Float>) {
        self.columns.append(contentsOf: columns)
        self.values.append(contentsOf: values)
        offsets.append(self.columns.count)
    }

    /// Adds a row of another matrix below these, without the entry at one position.
    package mutating func append(row: Int, of other: SparseRows, without position: Int? = nil) {
        let range = other.range(of: row)
        let end = position ?? range.upperBound
        columns.append(contentsOf: other.columns[range.lowerBound..<end])
        values.append(contentsOf: other.values[range.lowerBound..<end])
        if end < range.upperBound {
            columns.append(contentsOf: other.columns[(end + 1)..<range.upperBound])
            values.append(contentsOf: other.values[(end + 1)..<range.upperBound])
        }
        offsets.append(columns.count)
    }

    /// Adds the rows of another matrix below these.
    package mutating func append(_ other: SparseRows) {
        let shift = columns.count
        offsets += other.offsets.dropFirst().map { $0 + shift }
        columns += other.columns
        values += other.values
    }

    /// The same matrix by columns; `columns` says how many there are.
    package func transposed(columns count: Int, threads: Int = 1) -> SparseRows {
        // Each thread has a share of the rows, and counts how many entries of each column are in it.
        let shares = (0..<threads).map { self.count * $0 / threads..<self.count * ($0 + 1) / threads }
        var next = [Int](repeating: 0, count: threads * count)
        var offsets = [Int](repeating: 0, count: count + 1)
        var rows = [Int32](repeating: 0, count: columns.count)
        var values = [Float](repeating: 0, count: columns.count)
        next.withUnsafeMutableBufferPointer { next in
            withThreads(threads, chunks: threads) { queue in
                while let share = queue.next() {
                    for position in self.offsets[shares[share].lowerBound]..<self.offsets[shares[share].upperBound] {
                        next[share * count + Int(columns[position])] += 1
                    }
                }
            }
            // A column's entries of one share begin where those of the shares before it end.
            var filled = 0
            for column in 0..<count {
                for share in 0..<threads {
                    (next[share * count + column], filled) = (filled, filled + next[share * count + column])
                }
                offsets[column + 1] = filled
            }
            rows.withUnsafeMutableBufferPointer { rows in
                values.withUnsafeMutableBufferPointer { values in
                    withThreads(threads, chunks: threads) { queue in
                        while let share = queue.next() {
                            for row in shares[share] {
                                for position in range(of: row) {
                                    let place = share * count + Int(columns[position])
                                    rows[next[place]] = Int32(row)
                                    values[next[place]] = self.values[position]
                                    next[place] += 1
                                }
                            }
                        }
                    }
                }
            }
        }
        return SparseRows(offsets: offsets, columns: rows, values: values)
    }

    /// Collects entries that come row by row, as a sorted query streams them: no second copy of the data is made.
    package struct Builder: Sendable {
        private var offsets = [0]
        private var columns: [Int32] = []
        private var values: [Float] = []

        /// Has room for `capacity` entries at once: arrays that grow as they need to end up to twice as large.
        package init(capacity: Int = 0) {
            columns.reserveCapacity(capacity)
            values.reserveCapacity(capacity)
        }

        /// Adds an entry to the last row or a later one; rows in between stay empty.
        ///
        /// Columns may come in any order; a column that comes twice in a row is summed.
        package mutating func append(row: Int, column: Int, value: Float) {
            precondition(row >= offsets.count - 1, "rows come in ascending order")
            while offsets.count - 1 < row { closeRow() }
            columns.append(Int32(column))
            values.append(value)
        }

        /// The matrix with `rows` rows.
        package consuming func build(rows: Int) -> SparseRows {
            while offsets.count - 1 < rows { closeRow() }
            return SparseRows(offsets: offsets, columns: columns, values: values)
        }

        private mutating func closeRow() {
            let row = offsets[offsets.count - 1]..<columns.count
            let isAscending = zip(row.dropLast(), row.dropFirst()).allSatisfy { columns[$0] < columns[$1] }
            if !isAscending {
                let sorted = row.map { (columns[$0], values[$0]) }.sorted { $0.0 < $1.0 }
                columns.removeLast(row.count)
                values.removeLast(row.count)
                for (column, value) in sorted {
                    if columns.count > row.lowerBound, columns[columns.count - 1] == column {
                        values[values.count - 1] += value
                    } else {
                        columns.append(column)
                        values.append(value)
                    }
                }
            }
            offsets.append(columns.count)
        }
    }
}
