internal import CPostgreSQL

/// What a statement answered.
package struct Rows: RandomAccessCollection, Sendable {
    private let result: Result

    init(_ result: Result) {
        self.result = result
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { result.count }
    package subscript(position: Int) -> Row {
        precondition(indices.contains(position), "no row \(position)")
        return Row(result: result, index: position)
    }

    /// How many rows the statement inserted, changed, deleted or selected.
    package var affected: Int { result.affected }
}

/// One row of an answer.
package struct Row: Sendable {
    let result: Result
    let index: Int

    /// The value of a column, by its name in the answer.
    package func decode<T: BinaryValue>(_ name: String, as type: T.Type = T.self) throws(DatabaseError) -> T {
        guard let position = result.positions[name] else { throw .decoding("there is no column \(name)") }
        return try decode(at: position, name: name)
    }

    /// The value of a column, by its position from 0.
    package func decode<T: BinaryValue>(at position: Int, as type: T.Type = T.self) throws(DatabaseError) -> T {
        guard (0..<result.columns).contains(position) else { throw .decoding("there is no column \(position)") }
        return try decode(at: position, name: "\(position)")
    }

    private func decode<T: BinaryValue>(at position: Int, name: String) throws(DatabaseError) -> T {
        // The column's bytes lie in the result, which this row holds on to until the end of the call.
        try T.decode(
            Column(bytes: result.bytes(row: index, column: position), type: result.type(position), name: name))
    }
}

/// The owner of a `PGresult`.
///
/// Sendable without the compiler's check: the result is complete when it is made, nobody writes to it after, and
/// libpq's accessors only read.
final class Result: @unchecked Sendable {
    private let pointer: OpaquePointer
    let count: Int
    let columns: Int
    let positions: [String: Int]

    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
        count = Int(PQntuples(pointer))
        columns = Int(PQnfields(pointer))
        var positions: [String: Int] = [:]
        for column in 0..<columns {
            if let name = PQfname(pointer, Int32(column)) { positions[String(cString: name)] = column }
        }
        self.positions = positions
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    var affected: Int {
        PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0
    }

    /// What the server says it did: `COMMIT`, `INSERT 0 1`.
    var command: String {
        PQcmdStatus(pointer).map { String(cString: $0) } ?? ""
    }

    func type(_ column: Int) -> UInt32 {
        PQftype(pointer, Int32(column))
    }

    func bytes(row: Int, column: Int) -> UnsafeRawBufferPointer? {
        guard PQgetisnull(pointer, Int32(row), Int32(column)) == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(pointer, Int32(row), Int32(column)),
            count: Int(PQgetlength(pointer, Int32(row), Int32(column))))
    }

    /// A field of the server's error report, by its code in the protocol.
    func errorField(_ code: ErrorField) -> String? {
        PQresultErrorField(pointer, code.rawValue).map { String(cString: $0) }
    }

    /// The codes behind libpq's PG_DIAG_* macros, which Swift does not import.
    enum ErrorField: Int32 {
        /// PG_DIAG_SQLSTATE, 'C'.
        case sqlState = 0x43
        /// PG_DIAG_MESSAGE_PRIMARY, 'M'.
        case message = 0x4D
    }
}
