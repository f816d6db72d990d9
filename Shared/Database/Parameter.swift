package import FoundationEssentials

/// A value for `$1`, `$2`… in a statement; it travels in binary, apart from the statement's text.
///
/// A parameter has a definite type. Where a column is of another (an enumeration, `jsonb` from text), cast it in the
/// statement: `$1::text::mood`.
package enum Parameter: Sendable {
    case uuid(UUID)
    case text(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case bytes(Data)
    /// A JSON document for a `jsonb` column.
    case json(Data)
    case timestamp(Date)
    case null
    case uuids([UUID])
    case texts([String])
    case integers([Int64])
    case doubles([Double])

    /// Null when there is no value: `.optional(user, Parameter.uuid)`.
    package static func optional<Value>(_ value: Value?, _ parameter: (Value) -> Parameter) -> Parameter {
        value.map(parameter) ?? .null
    }

    package static func integer(_ value: Int) -> Parameter {
        .integer(Int64(value))
    }

    /// The OID of its type; 0 leaves it to the server.
    var type: UInt32 {
        switch self {
        case .uuid: TypeID.uuid
        case .text: TypeID.text
        case .integer: TypeID.int8
        case .double: TypeID.float8
        case .boolean: TypeID.boolean
        case .bytes: TypeID.bytes
        case .json: TypeID.jsonb
        case .timestamp: TypeID.timestamp
        case .null: 0
        case .uuids: TypeID.uuidArray
        case .texts: TypeID.textArray
        case .integers: TypeID.int8Array
        case .doubles: TypeID.float8Array
        }
    }

    /// Appends the bytes; `false` stands for null.
    func encode(into bytes: inout [UInt8]) -> Bool {
        switch self {
        case .uuid(let value): value.encode(into: &bytes)
        case .text(let value): value.encode(into: &bytes)
        case .integer(let value): value.encode(into: &bytes)
        case .double(let value): value.encode(into: &bytes)
        case .boolean(let value): value.encode(into: &bytes)
        case .bytes(let value): value.encode(into: &bytes)
        case .json(let value):
            {
                bytes.append(1); return value.encode(into: &bytes)
            }()
        case .timestamp(let value): value.encode(into: &bytes)
        case .null: false
        case .uuids(let values): values.encode(into: &bytes)
        case .texts(let values): values.encode(into: &bytes)
        case .integers(let values): values.encode(into: &bytes)
        case .doubles(let values): values.encode(into: &bytes)
        }
    }
}

extension Parameter: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
    package init(nilLiteral: ()) { self = .null }
}
