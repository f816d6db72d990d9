import CSV
import FoundationEssentials

/// A table with a header line.
struct CommaSeparatedValues: Sendable {
    let rows: [[String]]
    private let columns: [String: Int]

    /// Throws when it is no CSV, there is no header or a row is not as long as it.
    init(_ data: Data) throws(EvaluationError) {
        var (csv, records) = (CSV(Array(data)), [CSV.Record]())
        do throws(CSV.Malformed) {
            while let record = try csv.next() { records.append(record) }
        } catch {
            throw .malformed(error)
        }
        guard let header = records.first?.fields else { throw .list("it is empty") }
        for record in records where record.fields.count != header.count {
            throw .list("line \(record.line) has \(record.fields.count) fields, and the header has \(header.count)")
        }
        columns = Dictionary(header.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        rows = records.dropFirst().map(\.fields)
    }

    /// The position of a column that must be there.
    func position(of column: String) throws(EvaluationError) -> Int {
        guard let position = columns[column] else { throw .list("it has no column \(column)") }
        return position
    }
}
