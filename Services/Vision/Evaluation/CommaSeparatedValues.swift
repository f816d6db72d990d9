import FoundationEssentials

/// A table with a header line. Fields must not hold commas, quotes or line breaks.
struct CommaSeparatedValues: Sendable {
    let rows: [[String]]
    private let columns: [String: Int]

    /// Throws `EvaluationError.list` when there is no header or a row is not as long as it.
    init(_ data: Data) throws(EvaluationError) {
        let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        guard let header = lines.first else { throw .list("it is empty") }
        for (number, row) in lines.enumerated() where row.count != header.count {
            throw .list("line \(number + 1) has \(row.count) fields, and the header has \(header.count)")
        }
        columns = Dictionary(header.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        rows = Array(lines.dropFirst())
    }

    /// The position of a column that must be there.
    func position(of column: String) throws(EvaluationError) -> Int {
        guard let position = columns[column] else { throw .list("it has no column \(column)") }
        return position
    }
}
