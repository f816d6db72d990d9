internal import CPostgreSQL
internal import Dispatch
internal import Glibc
internal import Synchronization

/// One connection to Postgres, on a thread of its own: its calls block that thread and no other.
///
/// Handed out by `Database`, to one task at a time. Inside `Database.transaction` and `Database.withConnection` the
/// body runs on the connection's thread, so its calls need no `await`. Work that takes long without the database
/// belongs elsewhere.
package actor Connection {
    private nonisolated let executor: ConnectionExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let settings: DatabaseSettings
    private var handle: Handle?

    init(settings: DatabaseSettings) {
        self.settings = settings
        executor = ConnectionExecutor(label: "mien.database.connection")
    }

    /// The owner of a `PGconn`.
    private final class Handle {
        let pointer: OpaquePointer
        let canceller: Canceller

        init(_ pointer: OpaquePointer) {
            self.pointer = pointer
            canceller = Canceller(pointer)
        }

        deinit {
            PQfinish(pointer)
        }
    }

    // MARK: Asking

    /// Runs one statement with binary parameters and a binary answer.
    @discardableResult
    package func query(_ sql: String, _ parameters: Parameter...) throws(DatabaseError) -> Rows {
        try query(sql, parameters: parameters)
    }

    /// Runs one statement with binary parameters and a binary answer.
    @discardableResult
    package func query(_ sql: String, parameters: [Parameter]) throws(DatabaseError) -> Rows {
        let pointer = try connected()
        var bytes: [UInt8] = []
        var extents: [Range<Int>?] = []
        for parameter in parameters {
            let start = bytes.count
            extents.append(parameter.encode(into: &bytes) ? start..<bytes.count : nil)
        }
        // An empty value still needs an address, since no address means null.
        bytes.append(0)
        let types = parameters.map(\.type)
        let lengths = extents.map { Int32($0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: parameters.count)
        let result = bytes.withUnsafeBytes { buffer -> OpaquePointer? in
            let base = buffer.bindMemory(to: CChar.self).baseAddress
            let values = extents.map { extent in extent.flatMap { base?.advanced(by: $0.lowerBound) } }
            return PQexecParams(pointer, sql, Int32(parameters.count), types, values, lengths, formats, 1)
        }
        return Rows(try checked(result))
    }

    /// Runs any number of statements, without parameters or an answer: migrations and test set-up.
    package func script(_ sql: String) throws(DatabaseError) {
        let pointer = try connected()
        _ = try checked(PQexec(pointer, sql))
    }

    /// Sends rows to a table by COPY, in binary; many times as fast as INSERT, in constant memory.
    ///
    /// `body` appends the values of each row, column after column, of exactly the columns' types. When it throws, no row
    /// is stored. Returns the number of rows. `statement_timeout` does not apply.
    @discardableResult
    package func copyIn(
        _ table: String, columns: [String], _ body: (inout CopyWriter) throws -> Void
    ) throws -> Int {
        let pointer = try connected()
        try liftLimit(pointer)
        let names = columns.map { "\"\($0)\"" }.joined(separator: ", ")
        let copy = try checked(PQexec(pointer, "COPY \(table) (\(names)) FROM STDIN (FORMAT binary)"))
        guard copy.status == PGRES_COPY_IN else { throw DatabaseError.decoding("COPY did not begin") }
        var writer = CopyWriter(columns: columns.count) { bytes throws(DatabaseError) in
            let sent = bytes.withUnsafeBytes {
                PQputCopyData(pointer, $0.bindMemory(to: CChar.self).baseAddress, Int32($0.count))
            }
            if sent != 1 { throw DatabaseError.unavailable(message(pointer)) }
        }
        do {
            try body(&writer)
            try writer.finish()
        } catch {
            _ = PQputCopyEnd(pointer, "the sender gave up")
            endCopy()
            throw error
        }
        guard PQputCopyEnd(pointer, nil) == 1 else { throw lost(pointer) }
        defer { endCopy() }
        return try checked(PQgetResult(pointer)).affected
    }

    /// Reads the rows of a query by COPY, in binary and in constant memory: `body` is called for each as it comes.
    ///
    /// When `body` throws, the connection is closed, and with it the transaction. Returns the number of rows.
    /// `statement_timeout` does not apply.
    @discardableResult
    package func copyOut(_ query: String, _ body: (inout CopyRow) throws -> Void) throws -> Int {
        let pointer = try connected()
        try liftLimit(pointer)
        let copy = try checked(PQexec(pointer, "COPY (\(query)) TO STDOUT (FORMAT binary)"))
        guard copy.status == PGRES_COPY_OUT else { throw DatabaseError.decoding("COPY did not begin") }
        var reader = CopyReader()
        while true {
            var chunk: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(pointer, &chunk, 0)
            if length < 0 { break }
            defer { PQfreemem(chunk) }
            do {
                try reader.read(UnsafeRawBufferPointer(start: chunk, count: Int(length)), body)
            } catch {
                close()
                throw error
            }
        }
        defer { endCopy() }
        _ = try checked(PQgetResult(pointer))
        return reader.rows
    }

    // MARK: Transactions

    func begin() throws(DatabaseError) {
        try query("BEGIN")
    }

    /// Commits, or throws when the server rolled back because a statement before had failed.
    func commit() throws(DatabaseError) {
        let pointer = try connected()
        let result = try checked(PQexec(pointer, "COMMIT"))
        guard result.command == "COMMIT" else {
            throw .query(sqlState: "25P02", message: "the transaction had failed before its end")
        }
    }

    /// Rolls back what is open; a connection that cannot is closed by `settle`.
    func rollback() {
        guard let handle, PQtransactionStatus(handle.pointer) != PQTRANS_IDLE else { return }
        _ = try? query("ROLLBACK")
    }

    // MARK: Opening and closing

    /// Makes sure that there is a connection, as far as this side can see, and returns what cancels its statements.
    func open(_ backOff: BackOff) throws(DatabaseError) -> Canceller {
        if let handle, isAlive(handle.pointer) { return handle.canceller }
        close()
        try backOff.check()
        do {
            let handle = try connect()
            self.handle = handle
            backOff.succeeded()
            return handle.canceller
        } catch {
            backOff.failed(error)
            throw error
        }
    }

    /// Called when a task gives the connection back: closes it unless it is fit for the next.
    func settle() {
        guard let handle else { return }
        if handle.canceller.disarm() || PQtransactionStatus(handle.pointer) != PQTRANS_IDLE { close() }
    }

    /// Closes the connection; the server rolls back what was open.
    package func close() {
        handle = nil
    }

    /// Runs a body on the connection's thread.
    func run<R: Sendable>(_ body: @Sendable (isolated Connection) async throws -> R) async throws -> R {
        try await body(self)
    }

    // MARK: Notifications

    /// Blocks until a notification comes, the connection is lost or the wake-up call rings; `nil` in the latter case.
    func awaitNotification(_ wake: WakeUpCall) -> Swift.Result<String?, DatabaseError> {
        Swift.Result { () throws(DatabaseError) in try nextNotification(wake) }
    }

    private func nextNotification(_ wake: WakeUpCall) throws(DatabaseError) -> String? {
        let pointer = try connected()
        while true {
            if let notify = PQnotifies(pointer) {
                defer { PQfreemem(notify) }
                return String(cString: notify.pointee.extra)
            }
            if wake.wait(besides: PQsocket(pointer)) { return nil }
            guard PQconsumeInput(pointer) == 1, PQstatus(pointer) == CONNECTION_OK else { throw lost(pointer) }
        }
    }

    // MARK: libpq

    private func connect() throws(DatabaseError) -> Handle {
        let options = [
            "statement_timeout=\(settings.statementTimeout.milliseconds)",
            "idle_in_transaction_session_timeout=\(settings.idleTransactionTimeout.milliseconds)",
            "client_min_messages=error",
        ]
        // What comes before the address gives way to it; the database's name after it replaces the address's.
        var keywords: [(String, String)] = [
            ("connect_timeout", "\(max(2, settings.connectTimeout.components.seconds))"),
            ("application_name", settings.applicationName),
            ("client_encoding", "UTF8"),
            ("keepalives_idle", "15"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
            ("options", options.map { "-c \($0)" }.joined(separator: " ")),
            ("dbname", settings.address.conninfo),
        ]
        if let name = settings.address.name { keywords.append(("dbname", name)) }
        let names = keywords.map { strdup($0.0) }
        let values = keywords.map { strdup($0.1) }
        defer { (names + values).forEach { free($0) } }
        let pointer = PQconnectdbParams(
            names.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 1)
        guard let pointer else { throw .unavailable("out of memory") }
        guard PQstatus(pointer) == CONNECTION_OK else {
            defer { PQfinish(pointer) }
            throw .unavailable(message(pointer))
        }
        // Notices would go to stderr, between the records of the log.
        PQsetNoticeProcessor(pointer, { _, _ in }, nil)
        return Handle(pointer)
    }

    /// Whether an idle connection still stands: reads, without waiting, what a server says that shuts down.
    private func isAlive(_ pointer: OpaquePointer) -> Bool {
        for _ in 0..<2 {
            guard PQconsumeInput(pointer) == 1, PQstatus(pointer) == CONNECTION_OK else { return false }
            _ = PQisBusy(pointer)
        }
        return PQstatus(pointer) == CONNECTION_OK && PQtransactionStatus(pointer) == PQTRANS_IDLE
    }

    private func connected() throws(DatabaseError) -> OpaquePointer {
        guard let handle else { throw .unavailable("the connection is closed") }
        return handle.pointer
    }

    private func checked(_ pointer: OpaquePointer?) throws(DatabaseError) -> Result {
        let connection = try connected()
        guard let pointer else { throw lost(connection) }
        let result = Result(owning: pointer)
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_EMPTY_QUERY:
            return result
        default:
            guard PQstatus(connection) == CONNECTION_OK, let sqlState = result.errorField(.sqlState) else {
                throw lost(connection)
            }
            throw .query(sqlState: sqlState, message: result.errorField(.message) ?? "")
        }
    }

    private func lost(_ pointer: OpaquePointer) -> DatabaseError {
        let error = DatabaseError.unavailable(message(pointer))
        close()
        return error
    }

    /// Lets statements take as long as they need: to the end of an open transaction, otherwise until `endCopy`.
    private func liftLimit(_ pointer: OpaquePointer) throws(DatabaseError) {
        let isOpen = PQtransactionStatus(pointer) != PQTRANS_IDLE
        try query("SET \(isOpen ? "LOCAL " : "")statement_timeout = 0")
    }

    /// Reads results until there is none, as libpq wants before the next statement, and gives statements their limit
    /// back where no transaction does at its end.
    private func endCopy() {
        guard let handle else { return }
        while let result = PQgetResult(handle.pointer) { PQclear(result) }
        if PQtransactionStatus(handle.pointer) == PQTRANS_IDLE { _ = try? query("RESET statement_timeout") }
    }
}

/// libpq's last error on one line.
private func message(_ pointer: OpaquePointer) -> String {
    let text = PQerrorMessage(pointer).map { String(cString: $0) } ?? ""
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
