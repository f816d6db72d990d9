package import FoundationEssentials

/// A value that Postgres and Swift exchange in Postgres's binary format.
package protocol BinaryValue: Sendable {
    /// Reads a column; throws `.decoding` when the column is null or of another type.
    static func decode(_ column: Column) throws(DatabaseError) -> Self

    /// Appends the value's bytes, without a length; `false` stands for null.
    func encode(into bytes: inout [UInt8]) -> Bool
}

/// One value as it came: valid only during the call that hands it out.
package struct Column {
    /// The bytes; `nil` for null.
    let bytes: UnsafeRawBufferPointer?
    /// The type's OID; 0 where the source (COPY) does not say.
    let type: UInt32
    let name: String

    /// The bytes of a value that is not null.
    func value() throws(DatabaseError) -> UnsafeRawBufferPointer {
        guard let bytes else { throw .decoding("column \(name) is null") }
        return bytes
    }

    /// The bytes of a value of one fixed length.
    func value(length: Int) throws(DatabaseError) -> UnsafeRawBufferPointer {
        let bytes = try value()
        guard bytes.count == length else { throw mismatch("\(length) bytes") }
        return bytes
    }

    func mismatch(_ wanted: String) -> DatabaseError {
        .decoding("column \(name) of type \(type) and \(bytes?.count ?? 0) bytes is not \(wanted)")
    }
}

extension UnsafeRawBufferPointer {
    /// A big-endian integer at an offset; the caller has checked that it is there.
    func integer<T: FixedWidthInteger>(_ type: T.Type = T.self, at offset: Int = 0) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

extension [UInt8] {
    /// Appends an integer, most significant byte first.
    mutating func append<T: FixedWidthInteger>(integer: T) {
        Swift.withUnsafeBytes(of: integer.bigEndian) { append(contentsOf: $0) }
    }
}

/// The OIDs of the built-in types used here (`pg_type.dat`); they never change.
enum TypeID {
    static let boolean: UInt32 = 16
    static let bytes: UInt32 = 17
    static let int8: UInt32 = 20
    static let text: UInt32 = 25
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let float4Array: UInt32 = 1021
    static let float8Array: UInt32 = 1022
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
    static let timestamp: UInt32 = 1184
    static let uuid: UInt32 = 2950
    static let uuidArray: UInt32 = 2951
    static let jsonb: UInt32 = 3802
}

extension Bool: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Bool {
        try column.value(length: 1)[0] != 0
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(self ? 1 : 0)
        return true
    }
}

/// Reads smallint, integer and bigint; writes a bigint.
extension Int: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Int {
        let bytes = try column.value()
        guard column.type != TypeID.float4, column.type != TypeID.float8 else { throw column.mismatch("an integer") }
        switch bytes.count {
        case 2: return Int(bytes.integer(Int16.self))
        case 4: return Int(bytes.integer(Int32.self))
        case 8: return Int(bytes.integer(Int64.self))
        default: throw column.mismatch("an integer")
        }
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(integer: Int64(self))
        return true
    }
}

/// Bigint.
extension Int64: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Int64 {
        Int64(try Int.decode(column))
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(integer: self)
        return true
    }
}

/// Integer.
extension Int32: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Int32 {
        guard let value = Int32(exactly: try Int.decode(column)) else { throw column.mismatch("32 bits") }
        return value
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(integer: self)
        return true
    }
}

/// Smallint.
extension Int16: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Int16 {
        guard let value = Int16(exactly: try Int.decode(column)) else { throw column.mismatch("16 bits") }
        return value
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(integer: self)
        return true
    }
}

/// Reads real and double precision; writes double precision.
extension Double: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Double {
        let bytes = try column.value()
        switch bytes.count {
        case 4 where column.type == TypeID.float4 || column.type == 0:
            return Double(Float(bitPattern: bytes.integer(UInt32.self)))
        case 8 where column.type == TypeID.float8 || column.type == 0:
            return Double(bitPattern: bytes.integer(UInt64.self))
        default:
            throw column.mismatch("real or double precision")
        }
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(integer: bitPattern)
        return true
    }
}

/// Reads real and double precision, rounding; writes real.
extension Float: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Float {
        Float(try Double.decode(column))
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(integer: bitPattern)
        return true
    }
}

/// Text of any kind, JSON included.
extension String: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> String {
        var bytes = try column.value()
        // jsonb begins with the version of its own format.
        if column.type == TypeID.jsonb, !bytes.isEmpty { bytes = .init(rebasing: bytes.dropFirst()) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw column.mismatch("UTF-8") }
        return text
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: utf8)
        return true
    }
}

/// Reads bytea, json and jsonb; writes bytea.
extension Data: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Data {
        let bytes = try column.value()
        return column.type == TypeID.jsonb ? Data(bytes.dropFirst()) : Data(bytes)
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: self)
        return true
    }
}

extension UUID: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> UUID {
        UUID(uuid: try column.value(length: 16).loadUnaligned(as: uuid_t.self))
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        Swift.withUnsafeBytes(of: uuid) { bytes.append(contentsOf: $0) }
        return true
    }
}

/// Timestamp with time zone, to the microsecond.
extension Date: BinaryValue {
    /// Postgres counts from 2000-01-01, UTC.
    private static let epoch = Date(timeIntervalSince1970: 946_684_800)

    package static func decode(_ column: Column) throws(DatabaseError) -> Date {
        let microseconds = try column.value(length: 8).integer(Int64.self)
        return Date(timeInterval: Double(microseconds) / 1e6, since: epoch)
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(integer: Int64((timeIntervalSince(Self.epoch) * 1e6).rounded()))
        return true
    }
}

/// `nil` is null.
extension Optional: BinaryValue where Wrapped: BinaryValue {
    package static func decode(_ column: Column) throws(DatabaseError) -> Wrapped? {
        guard column.bytes != nil else { return nil }
        return try Wrapped.decode(column)
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        self?.encode(into: &bytes) ?? false
    }
}

/// A one-dimensional array of a type that has its OID here.
extension Array: BinaryValue where Element: BinaryValue {
    @specialized(where Element == Float)
    @specialized(where Element == Int64)
    @specialized(where Element == String)
    package static func decode(_ column: Column) throws(DatabaseError) -> [Element] {
        let bytes = try column.value()
        guard bytes.count >= 12 else { throw column.mismatch("an array") }
        let dimensions = bytes.integer(Int32.self)
        let type = bytes.integer(UInt32.self, at: 8)
        if dimensions == 0 { return [] }
        guard dimensions == 1, bytes.count >= 20 else { throw column.mismatch("an array of one dimension") }
        let count = Int(bytes.integer(Int32.self, at: 12))
        var offset = 20
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            guard offset + 4 <= bytes.count else { throw column.mismatch("a whole array") }
            let length = Int(bytes.integer(Int32.self, at: offset))
            offset += 4
            guard length >= 0 else {
                elements.append(try Element.decode(Column(bytes: nil, type: type, name: column.name)))
                continue
            }
            guard offset + length <= bytes.count else { throw column.mismatch("a whole array") }
            let element = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
            elements.append(try Element.decode(Column(bytes: element, type: type, name: column.name)))
            offset += length
        }
        return elements
    }

    package func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(integer: isEmpty ? 0 : 1 as Int32)
        let flags = bytes.count
        bytes.append(integer: 0 as Int32)
        bytes.append(integer: Self.elementType)
        if isEmpty { return true }
        bytes.append(integer: Int32(count))
        bytes.append(integer: 1 as Int32)
        for element in self where !bytes.appendField(element) {
            bytes[flags + 3] = 1
        }
        return true
    }

    private static var elementType: UInt32 {
        switch Element.self {
        case is Int.Type, is Int64.Type: TypeID.int8
        case is Double.Type: TypeID.float8
        case is Float.Type: TypeID.float4
        case is String.Type: TypeID.text
        case is UUID.Type: TypeID.uuid
        case is Bool.Type: TypeID.boolean
        default: preconditionFailure("no array of \(Element.self) is written")
        }
    }
}

extension [UInt8] {
    /// Appends a value behind its 32-bit length, -1 for null; `false` says that it was null.
    @discardableResult
    mutating func appendField(_ value: some BinaryValue) -> Bool {
        let start = count
        append(integer: 0 as Int32)
        let isPresent = value.encode(into: &self)
        let length = isPresent ? Int32(count - start - 4) : -1
        Swift.withUnsafeBytes(of: length.bigEndian) { replaceSubrange(start..<start + 4, with: $0) }
        return isPresent
    }
}
