/// Writes rows in Postgres's binary COPY format.
///
/// The format does not convert: a column of type integer wants an `Int32`, bigint `Int` or `Int64`, smallint `Int16`,
/// real `Float`, double precision `Double`, bytea `Data`.
package struct CopyWriter {
    private static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
    /// How many bytes are gathered before they are sent.
    private static let chunk = 1 << 16

    private let columns: Int
    private let send: ([UInt8]) throws(DatabaseError) -> Void
    private var buffer: [UInt8]
    private var column = 0

    init(columns: Int, send: @escaping ([UInt8]) throws(DatabaseError) -> Void) {
        self.columns = columns
        self.send = send
        // Signature, flags, length of the header's extension.
        buffer = Self.signature + [UInt8](repeating: 0, count: 8)
        buffer.reserveCapacity(Self.chunk + 4096)
    }

    /// Appends the value of the next column; a row begins and ends by itself.
    package mutating func append(_ value: some BinaryValue) throws(DatabaseError) {
        if column == 0 { buffer.append(integer: Int16(columns)) }
        buffer.appendField(value)
        column += 1
        if column == columns {
            column = 0
            if buffer.count >= Self.chunk { try flush() }
        }
    }

    mutating func finish() throws(DatabaseError) {
        guard column == 0 else { throw .decoding("the last row has \(column) of \(columns) columns") }
        buffer.append(integer: -1 as Int16)
        try flush()
    }

    private mutating func flush() throws(DatabaseError) {
        try send(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}

/// One row as COPY sends it: its values are taken in order.
package struct CopyRow {
    private var rest: UnsafeRawBufferPointer
    private let columns: Int
    private var column = 0

    fileprivate init(_ fields: UnsafeRawBufferPointer, columns: Int) {
        rest = fields
        self.columns = columns
    }

    /// The value of the next column. Its type is taken on trust, since COPY does not say it.
    package mutating func next<T: BinaryValue>(_ type: T.Type = T.self) throws(DatabaseError) -> T {
        guard column < columns else { throw .decoding("the row has \(columns) columns") }
        let length = Int(rest.integer(Int32.self))
        let field = length < 0 ? nil : UnsafeRawBufferPointer(rebasing: rest[4..<4 + length])
        let value = try T.decode(Column(bytes: field, type: 0, name: "\(column)"))
        rest = UnsafeRawBufferPointer(rebasing: rest[(4 + max(0, length))...])
        column += 1
        return value
    }
}

/// Takes binary COPY data apart, however it is cut into chunks.
struct CopyReader {
    /// Rows handed out so far.
    private(set) var rows = 0
    private var pending: [UInt8] = []
    private var hasHeader = false
    private var isAtEnd = false

    /// Hands every row that is complete by now to `body`; keeps what is not for the next chunk.
    mutating func read(_ chunk: UnsafeRawBufferPointer, _ body: (inout CopyRow) throws -> Void) throws {
        if pending.isEmpty {
            let used = try consume(chunk, body)
            if used < chunk.count { pending = Array(chunk[used...]) }
        } else {
            pending.append(contentsOf: chunk)
            let bytes = pending
            let used = try bytes.withUnsafeBytes { try consume($0, body) }
            pending.removeFirst(used)
        }
    }

    /// Returns how many bytes were whole.
    private mutating func consume(_ bytes: UnsafeRawBufferPointer, _ body: (inout CopyRow) throws -> Void) throws -> Int
    {
        var offset = 0
        if !hasHeader {
            // Signature (11), flags (4), length of an extension (4), the extension.
            guard bytes.count >= 19 else { return 0 }
            let length = 19 + Int(bytes.integer(Int32.self, at: 15))
            guard bytes.count >= length else { return 0 }
            offset = length
            hasHeader = true
        }
        while !isAtEnd, offset + 2 <= bytes.count {
            let columns = Int(bytes.integer(Int16.self, at: offset))
            guard columns >= 0 else {
                isAtEnd = true
                return bytes.count
            }
            var end = offset + 2
            for _ in 0..<columns {
                guard end + 4 <= bytes.count else { return offset }
                end += 4 + max(0, Int(bytes.integer(Int32.self, at: end)))
            }
            guard end <= bytes.count else { return offset }
            var row = CopyRow(UnsafeRawBufferPointer(rebasing: bytes[offset + 2..<end]), columns: columns)
            try body(&row)
            rows += 1
            offset = end
        }
        return offset
    }
}
