internal import CPostgreSQL
internal import Dispatch
internal import Glibc
internal import Synchronization

/// One connection to Postgres, on a thread of its own: its calls block that thread and no other.
///
/// libpq never waits here: each wait is this type's own, with a deadline, since a server that hangs keeps its
/// connections open and says nothing. What is not answered in time closes the connection.
///
/// Handed out by `Database`, to one task at a time. Inside `Database.transaction` and `Database.withConnection` the
/// body runs on the connection's thread, so its calls need no `await`. Work that takes long without the database
/// belongs elsewhere.
package actor Connection {
    private nonisolated let executor: ConnectionExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let settings: DatabaseSettings
    /// Ends what this connection waits for, when the task that has it is cancelled.
    nonisolated let canceller = Canceller()
    private var handle: Handle?
    /// When the last task gave it back.
    private var lastUsed = ContinuousClock.now
    /// Whether statements may take long: until the transaction ends, or `endCopy`.
    private var isLimitLifted = false

    /// How long a server may take to say that it is there.
    private static let pingLimit = Duration.seconds(2)
    /// How long a server may take to answer beyond the limit that it was given, or after a cancellation.
    private static let grace = (afterTimeout: Duration.seconds(5), afterCancellation: Duration.milliseconds(500))

    init(settings: DatabaseSettings) {
        self.settings = settings
        executor = ConnectionExecutor(label: "mien.database.connection")
    }

    /// The owner of a `PGconn`.
    private final class Handle {
        let pointer: OpaquePointer

        init(_ pointer: OpaquePointer) {
            self.pointer = pointer
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
        let sent = bytes.withUnsafeBytes { buffer -> Int32 in
            let base = buffer.bindMemory(to: CChar.self).baseAddress
            let values = extents.map { extent in extent.flatMap { base?.advanced(by: $0.lowerBound) } }
            return PQsendQueryParams(pointer, sql, Int32(parameters.count), types, values, lengths, formats, 1)
        }
        return Rows(try answer(to: sent, on: pointer))
    }

    /// Runs any number of statements, without parameters or an answer: migrations and test set-up.
    package func script(_ sql: String) throws(DatabaseError) {
        let pointer = try connected()
        _ = try answer(to: PQsendQuery(pointer, sql), on: pointer)
    }

    /// Lets statements take as long as they need: to the end of the open transaction, or until the connection is given
    /// back. A server that says nothing for `DatabaseSettings.longStatementTimeout` is given up.
    package func liftLimit() throws(DatabaseError) {
        let pointer = try connected()
        let isOpen = PQtransactionStatus(pointer) != PQTRANS_IDLE
        try query("SET \(isOpen ? "LOCAL " : "")statement_timeout = 0")
        isLimitLifted = true
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
        try liftLimit()
        let names = columns.map { "\"\($0)\"" }.joined(separator: ", ")
        let copy = try answer(
            to: PQsendQuery(pointer, "COPY \(table) (\(names)) FROM STDIN (FORMAT binary)"), on: pointer)
        guard copy.status == PGRES_COPY_IN else { throw DatabaseError.decoding("COPY did not begin") }
        var writer = CopyWriter(columns: columns.count) { bytes throws(DatabaseError) in
            try self.send(on: pointer) {
                bytes.withUnsafeBytes {
                    PQputCopyData(pointer, $0.bindMemory(to: CChar.self).baseAddress, Int32($0.count))
                }
            }
        }
        do {
            try body(&writer)
            try writer.finish()
        } catch {
            if handle != nil {
                try? send(on: pointer) { PQputCopyEnd(pointer, "the sender gave up") }
                endCopy()
            }
            throw error
        }
        try send(on: pointer) { PQputCopyEnd(pointer, nil) }
        defer { endCopy() }
        return try checked(try nextResult(on: pointer, by: deadline)).affected
    }

    /// Reads the rows of a query by COPY, in binary and in constant memory: `body` is called for each as it comes.
    ///
    /// When `body` throws, the connection is closed, and with it the transaction. Returns the number of rows.
    /// `statement_timeout` does not apply.
    @discardableResult
    package func copyOut(_ query: String, _ body: (inout CopyRow) throws -> Void) throws -> Int {
        let pointer = try connected()
        try liftLimit()
        let copy = try answer(to: PQsendQuery(pointer, "COPY (\(query)) TO STDOUT (FORMAT binary)"), on: pointer)
        guard copy.status == PGRES_COPY_OUT else { throw DatabaseError.decoding("COPY did not begin") }
        var reader = CopyReader()
        while true {
            var chunk: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(pointer, &chunk, 1)
            if length == 0 {
                try receive(on: pointer, by: deadline)
                continue
            }
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
        _ = try checked(try nextResult(on: pointer, by: deadline))
        return reader.rows
    }

    // MARK: Transactions

    func begin() throws(DatabaseError) {
        try query("BEGIN")
    }

    /// Commits, or throws when the server rolled back because a statement before had failed.
    func commit() throws(DatabaseError) {
        let pointer = try connected()
        let result = try answer(to: PQsendQuery(pointer, "COMMIT"), on: pointer)
        isLimitLifted = false
        guard result.command == "COMMIT" else {
            throw .query(sqlState: "25P02", message: "the transaction had failed before its end")
        }
    }

    /// Rolls back what is open; a connection that cannot is closed by `settle`.
    func rollback() {
        guard let handle, PQtransactionStatus(handle.pointer) != PQTRANS_IDLE else { return }
        isLimitLifted = false
        _ = try? query("ROLLBACK")
    }

    // MARK: Opening and closing

    /// Makes sure that there is a connection whose server answers.
    func open(_ breaker: CircuitBreaker) throws(DatabaseError) {
        if let handle, isAlive(handle.pointer) {
            if lastUsed.duration(to: .now) < settings.restTimeout { return }
            do throws(DatabaseError) {
                return try ping(handle.pointer)
            } catch {
                // A server that closed the connection may take another; one that says nothing will not.
                if error == .cancelled || error == Deadline(Self.pingLimit).passed {
                    breaker.failed(error)
                    throw error
                }
            }
        }
        close()
        try breaker.begin()
        do {
            let handle = try connect()
            self.handle = handle
            canceller.arm(handle.pointer)
            breaker.succeeded()
        } catch {
            breaker.failed(error)
            throw error
        }
    }

    /// Called when a task gives the connection back: closes it unless it is fit for the next.
    func settle() {
        if let handle, canceller.wasUsed || PQtransactionStatus(handle.pointer) != PQTRANS_IDLE || isLimitLifted {
            close()
        }
        canceller.reset()
        isLimitLifted = false
        lastUsed = .now
    }

    /// Closes the connection; the server rolls back what was open.
    package func close() {
        canceller.disarm()
        handle = nil
    }

    /// Runs a body on the connection's thread.
    func run<R: Sendable>(_ body: @Sendable (isolated Connection) async throws -> R) async throws -> R {
        try await body(self)
    }

    // MARK: Notifications

    /// Blocks until a notification comes, the connection is lost or the wake-up call rings; `nil` in the latter case.
    func awaitNotification(_ wake: Wakeup) -> Swift.Result<String?, DatabaseError> {
        Swift.Result { () throws(DatabaseError) in try nextNotification(wake) }
    }

    private func nextNotification(_ wake: Wakeup) throws(DatabaseError) -> String? {
        let pointer = try connected()
        while true {
            if let notify = PQnotifies(pointer) {
                defer { PQfreemem(notify) }
                return String(cString: notify.pointee.extra)
            }
            if wake.wait(for: PQsocket(pointer)) == .rung { return nil }
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
        let pointer = PQconnectStartParams(
            names.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 1)
        guard let pointer else { throw .unavailable("out of memory") }
        do throws(DatabaseError) {
            try finishConnecting(pointer)
        } catch {
            PQfinish(pointer)
            throw error
        }
        // Notices would go to stderr, between the records of the log.
        PQsetNoticeProcessor(pointer, { _, _ in }, nil)
        return Handle(pointer)
    }

    private func finishConnecting(_ pointer: OpaquePointer) throws(DatabaseError) {
        let deadline = Deadline(settings.connectTimeout)
        var wanted = PGRES_POLLING_WRITING
        while PQstatus(pointer) != CONNECTION_BAD {
            let toWrite = wanted == PGRES_POLLING_WRITING
            switch canceller.wake.wait(for: PQsocket(pointer), toWrite: toWrite, until: deadline.end) {
            case .ready: wanted = PQconnectPoll(pointer)
            case .rung: throw .cancelled
            case .timedOut: throw deadline.passed
            }
            if wanted == PGRES_POLLING_OK {
                guard PQsetnonblocking(pointer, 1) == 0 else { break }
                return
            }
            if wanted == PGRES_POLLING_FAILED { break }
        }
        throw .unavailable(message(pointer))
    }

    /// Whether an idle connection still stands: reads, without waiting, what a server says that shuts down.
    private func isAlive(_ pointer: OpaquePointer) -> Bool {
        for _ in 0..<2 {
            guard PQconsumeInput(pointer) == 1, PQstatus(pointer) == CONNECTION_OK else { return false }
            _ = PQisBusy(pointer)
        }
        return PQstatus(pointer) == CONNECTION_OK && PQtransactionStatus(pointer) == PQTRANS_IDLE
    }

    /// Asks nothing, so that the server answers.
    private func ping(_ pointer: OpaquePointer) throws(DatabaseError) {
        _ = try answer(to: PQsendQuery(pointer, ""), on: pointer, by: Deadline(Self.pingLimit))
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

    /// Reads results until there is none, as libpq wants before the next statement, and gives statements their limit
    /// back where no transaction does at its end.
    private func endCopy() {
        guard let handle else { return }
        do throws(DatabaseError) {
            while let result = try nextResult(on: handle.pointer, by: deadline) { PQclear(result) }
        } catch {
            return
        }
        if PQtransactionStatus(handle.pointer) == PQTRANS_IDLE, (try? query("RESET statement_timeout")) != nil {
            isLimitLifted = false
        }
    }
}

// MARK: - Waiting

extension Connection {
    /// How long the server may say nothing to the statement that is sent now.
    private var patience: Duration {
        isLimitLifted || settings.statementTimeout == .zero
            ? settings.longStatementTimeout : settings.statementTimeout + Self.grace.afterTimeout
    }

    private var deadline: Deadline { Deadline(patience) }

    /// Until when a server may say nothing.
    private struct Deadline {
        let limit: Duration
        let end: ContinuousClock.Instant

        init(_ limit: Duration) {
            self.limit = limit
            end = .now + limit
        }

        var passed: DatabaseError { .unavailable("it did not answer within \(limit)") }
    }

    /// The last result of statements that were just handed to libpq, or that of the first which failed.
    private func answer(
        to sent: Int32, on pointer: OpaquePointer, by deadline: Deadline? = nil
    ) throws(DatabaseError) -> Result {
        guard sent == 1 else { throw lost(pointer) }
        let deadline = deadline ?? self.deadline
        var last: OpaquePointer?
        do throws(DatabaseError) {
            try flush(pointer, by: deadline)
            while let result = try nextResult(on: pointer, by: deadline) {
                PQclear(last)
                last = result
                let status = PQresultStatus(result)
                if status == PGRES_COPY_IN || status == PGRES_COPY_OUT || PQstatus(pointer) == CONNECTION_BAD { break }
            }
        } catch {
            PQclear(last)
            throw error
        }
        return try checked(last)
    }

    /// The next result of what was sent; `nil` when there is no more.
    private func nextResult(
        on pointer: OpaquePointer, by deadline: Deadline
    ) throws(DatabaseError) -> OpaquePointer? {
        while PQisBusy(pointer) == 1 { try receive(on: pointer, by: deadline) }
        return PQgetResult(pointer)
    }

    /// Hands libpq something to send, as soon as it has room for it, and sends it.
    private func send(on pointer: OpaquePointer, _ put: () -> Int32) throws(DatabaseError) {
        while true {
            switch put() {
            case 1: return try flush(pointer, by: deadline)
            case 0: try flush(pointer, by: deadline)
            default: throw lost(pointer)
            }
        }
    }

    /// Sends all that libpq holds back.
    private func flush(_ pointer: OpaquePointer, by deadline: Deadline) throws(DatabaseError) {
        while true {
            switch PQflush(pointer) {
            case 0: return
            case 1: try receive(on: pointer, toWrite: true, by: deadline)
            default: throw lost(pointer)
            }
        }
    }

    /// Waits until something has come, and reads it; or until something can be sent.
    ///
    /// A cancellation gives the server a moment to say that the statement has ended.
    private func receive(
        on pointer: OpaquePointer, toWrite: Bool = false, by deadline: Deadline
    ) throws(DatabaseError) {
        var ending = Wakeup.Ending.rung
        while !canceller.wasUsed {
            let end = min(deadline.end, .now + settings.silenceLimit)
            ending = canceller.wake.wait(for: PQsocket(pointer), toWrite: toWrite, until: end)
            guard ending == .timedOut, end < deadline.end else { break }
            try knock()
        }
        if canceller.wasUsed {
            ending = canceller.wake.wait(
                for: PQsocket(pointer), toWrite: toWrite, isHeard: false,
                until: min(deadline.end, .now + Self.grace.afterCancellation))
        }
        guard ending == .ready else {
            let wasCancelled = canceller.wasUsed
            close()
            throw wasCancelled ? .cancelled : deadline.passed
        }
        guard PQconsumeInput(pointer) == 1 else { throw lost(pointer) }
    }

    /// Gives up a server that neither takes a new connection nor refuses one: it hangs, however long the statement may take.
    private func knock() throws(DatabaseError) {
        let hangs = Deadline(settings.connectTimeout).passed
        do throws(DatabaseError) {
            _ = try connect()
        } catch {
            guard error == hangs else { return }
            close()
            throw error
        }
    }
}

/// libpq's last error on one line.
private func message(_ pointer: OpaquePointer) -> String {
    let text = PQerrorMessage(pointer).map { String(cString: $0) } ?? ""
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
}
