import CRabbitMQ

/// Memory for the strings and tables of one call to rabbitmq-c, all freed together when the arena goes.
struct Arena: ~Copyable {
    private let pool: UnsafeMutablePointer<amqp_pool_t>

    init() {
        pool = .allocate(capacity: 1)
        init_amqp_pool(pool, 4096)
    }

    deinit {
        empty_amqp_pool(pool)
        pool.deallocate()
    }

    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { utf8 in
            guard let source = utf8.baseAddress, let copy = amqp_pool_alloc(pool, utf8.count) else {
                return amqp_empty_bytes
            }
            copy.copyMemory(from: source, byteCount: utf8.count)
            return amqp_bytes_t(len: utf8.count, bytes: copy)
        }
    }

    func table(_ fields: KeyValuePairs<String, Field>) -> amqp_table_t {
        let size = fields.count * MemoryLayout<amqp_table_entry_t>.stride
        guard let memory = amqp_pool_alloc(pool, size) else { return amqp_empty_table }
        let entries = memory.bindMemory(to: amqp_table_entry_t.self, capacity: fields.count)
        for (index, field) in fields.enumerated() {
            (entries + index).initialize(to: amqp_table_entry_t(key: bytes(field.key), value: value(field.value)))
        }
        return amqp_table_t(num_entries: Int32(fields.count), entries: entries)
    }

    private func value(_ field: Field) -> amqp_field_value_t {
        var value = amqp_field_value_t()
        switch field {
        case .text(let text):
            value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
            value.value.bytes = bytes(text)
        case .integer(let integer):
            value.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
            value.value.i64 = integer
        case .boolean(let boolean):
            value.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
            value.value.boolean = boolean ? 1 : 0
        case .table(let fields):
            value.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
            value.value.table = table(fields)
        }
        return value
    }
}

/// A value in an AMQP table.
enum Field {
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    case table(KeyValuePairs<String, Field>)
}

extension String {
    /// A copy of text that the library owns.
    init(_ bytes: amqp_bytes_t) {
        self.init(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}
