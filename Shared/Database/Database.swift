package import Logging
internal import ServiceLifecycle
internal import Synchronization

/// A pool of connections to one database. It connects when first asked and again whenever a connection was lost.
///
/// `run` keeps it open until graceful shutdown and then closes every connection; questions may be asked before.
/// Statements block threads of the pool's own.
package final class Database: Service {
    private struct State {
        var idle: [Connection]
        var waiting: [(id: Int, continuation: CheckedContinuation<Swift.Result<Connection, DatabaseError>, Never>)] = []
        var nextID = 0
        /// When a connection was given back last.
        var lastFreed = ContinuousClock.now
        var isClosed = false
    }

    package let settings: DatabaseSettings
    private let logger: Logger
    private let breaker = CircuitBreaker()
    private let state: Mutex<State>

    package init(_ settings: DatabaseSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        state = Mutex(State(idle: (0..<settings.connections).map { _ in Connection(settings: settings) }))
    }

    /// Opens a pool for as long as the body runs.
    package static func with<Result>(
        _ settings: DatabaseSettings, logger: Logger, _ body: (Database) async throws -> Result
    ) async throws -> Result {
        let database = Database(settings, logger: logger)
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(database))
        } catch {
            outcome = .failure(error)
        }
        await database.close()
        return try outcome.get()
    }

    package func run() async throws {
        try? await gracefulShutdown()
        await close()
    }

    /// Fails whoever waits for a connection and closes those that are idle; the others close when they come back.
    package func close() async {
        let (waiting, idle) = state.withLock { state in
            defer { (state.waiting, state.isClosed) = ([], true) }
            return (state.waiting, state.idle)
        }
        for (_, continuation) in waiting { continuation.resume(returning: .failure(.unavailable("it was closed"))) }
        for connection in idle { await connection.close() }
    }

    // MARK: Asking

    /// Runs one statement by itself.
    @discardableResult
    package func query(_ sql: String, _ parameters: Parameter...) async throws(DatabaseError) -> Rows {
        try await query(sql, parameters: parameters)
    }

    /// Runs one statement by itself.
    @discardableResult
    package func query(_ sql: String, parameters: [Parameter]) async throws(DatabaseError) -> Rows {
        do {
            return try await withConnection { connection in try connection.query(sql, parameters: parameters) }
        } catch let error as DatabaseError {
            throw error
        } catch {
            throw .cancelled
        }
    }

    /// Runs `body` in a transaction (read committed) on one connection's thread: committed when it returns, rolled back
    /// when it throws or the task is cancelled.
    ///
    /// An error of `.unavailable` leaves open whether the commit had happened: what `body` does must bear doing twice.
    package func transaction<R: Sendable>(
        _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        try await withConnection { connection in
            try connection.begin()
            let value: R
            do {
                value = try await body(connection)
                try Task.checkCancellation()
            } catch {
                connection.rollback()
                throw error
            }
            try connection.commit()
            return value
        }
    }

    /// Runs `body` with one connection, on the connection's thread, each statement by itself.
    ///
    /// When the task is cancelled, the statement that runs is cancelled too.
    package func withConnection<R: Sendable>(
        _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        let connection = try await take()
        do {
            let value = try await withTaskCancellationHandler {
                try await connection.open(breaker)
                try Task.checkCancellation()
                return try await connection.run(body)
            } onCancel: {
                connection.canceller.cancel()
            }
            await giveBack(connection)
            return value
        } catch {
            await giveBack(connection)
            throw error
        }
    }

    /// Runs `body` while this process alone, of all that ask by this name, holds an advisory lock; returns `nil` at once
    /// when another does. One connection is kept meanwhile; if it is lost the lock is too, which `body` is not told.
    package func withAdvisoryLock<R: Sendable>(
        _ name: String, _ body: @Sendable () async throws -> R
    ) async throws -> R? {
        try await withConnection { connection in
            let taken = try connection.query(
                "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken", .text(name))
            guard try taken[0].decode("taken") as Bool else { return nil }
            let unlock = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"
            do {
                let value = try await body()
                try connection.query(unlock, .text(name))
                return value
            } catch {
                // At the latest the lock ends with the connection, as soon as the server notices.
                do { try connection.query(unlock, .text(name)) } catch { connection.close() }
                throw error
            }
        }
    }

    /// Waits until the server answers, trying again with back-off; throws only when the task is cancelled.
    package func waitUntilAvailable() async throws(CancellationError) {
        var pause = Duration.milliseconds(50)
        var isFirst = true
        while true {
            do throws(DatabaseError) {
                try await query("SELECT 1")
                return
            } catch {
                if Task.isCancelled { throw CancellationError() }
                if isFirst { logger.warning("database unavailable", metadata: ["database.error": "\(error)"]) }
                isFirst = false
                do { try await Task.sleep(for: pause) } catch { throw CancellationError() }
                pause = min(pause * 2, .seconds(2))
            }
        }
    }

    // MARK: The pool

    private func take() async throws(DatabaseError) -> Connection {
        let (free, id) = state.withLock { state -> (Connection?, Int) in
            defer { state.nextID += 1 }
            return (state.isClosed || Task.isCancelled ? nil : state.idle.popLast(), state.nextID)
        }
        if let free { return free }
        // Whoever has the connections may be waiting for a server that hangs. A queue that moves is none of that.
        let limit = settings.acquireTimeout
        let taken = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var due = ContinuousClock.now + limit
                while due > .now {
                    guard (try? await Task.sleep(until: due, clock: .continuous)) != nil else { return }
                    due = max(due, self.state.withLock { $0.lastFreed } + limit)
                }
                self.giveUp(id, .unavailable("no connection was free within \(limit)"))
            }
            defer { group.cancelAll() }
            return await self.wait(id)
        }
        return try taken.get()
    }

    /// Waits for a connection under a number of its own, until `giveUp` is called with it.
    private func wait(_ id: Int) async -> Swift.Result<Connection, DatabaseError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now: Swift.Result<Connection, DatabaseError>? = state.withLock { state in
                    if state.isClosed { return .failure(.unavailable("it was closed")) }
                    if Task.isCancelled { return .failure(.cancelled) }
                    if let connection = state.idle.popLast() { return .success(connection) }
                    state.waiting.append((id, continuation))
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            giveUp(id, .cancelled)
        }
    }

    private func giveUp(_ id: Int, _ error: DatabaseError) {
        let continuation = state.withLock { state in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
        }
        continuation?.resume(returning: .failure(error))
    }

    private func giveBack(_ connection: Connection) async {
        await connection.settle()
        let (next, isClosed) = state.withLock { state in
            state.lastFreed = .now
            let next = state.waiting.isEmpty ? nil : state.waiting.removeFirst().continuation
            if next == nil { state.idle.append(connection) }
            return (next, state.isClosed)
        }
        if isClosed { await connection.close() }
        next?.resume(returning: .success(connection))
    }
}
