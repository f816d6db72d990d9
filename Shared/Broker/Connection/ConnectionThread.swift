import Glibc
import Logging
import Synchronization

/// The one thread that owns a connection: it makes it, serves it, and makes the next one when it is lost.
///
/// In turn it reads all that has arrived, does what other threads ask, and sleeps until there is more of either.
/// Reading comes first because `poll` cannot see what rabbitmq-c has already buffered, and the sleep is at most half
/// a heartbeat because rabbitmq-c sends heartbeats only while it reads. The connection and its role are local to the
/// thread; only the inbox is shared.
final class ConnectionThread<Role: ConnectionRole>: Sendable {
    private enum Ending {
        /// Do what was asked, let what is under way come to its end, and say goodbye.
        case graceful
        /// Hang up.
        case immediate
    }

    private struct Inbox {
        var commands: [Role.Command] = []
        var ending: Ending?
        var isConnected = false
        /// The open socket, for `abort` to shut down.
        var descriptor: Int32?
        /// When the command now being performed was begun.
        var began: ContinuousClock.Instant?
    }

    private let inbox = Mutex(Inbox())
    private let wakeup = Wakeup()
    private let address: BrokerAddress
    private let name: String
    private let logger: Logger
    private let makeRole: @Sendable () -> Role

    /// How long a graceful end waits for what is under way.
    private static var endLimit: Duration { .seconds(5) }

    /// No send takes longer while the broker reads.
    private static var stallLimit: Duration { .seconds(2) }

    init(address: BrokerAddress, name: String, logger: Logger, role: @escaping @Sendable () -> Role) {
        self.address = address
        self.name = name
        self.logger = logger
        makeRole = role
    }

    var isConnected: Bool { inbox.withLock { $0.isConnected } }

    /// Whether the thread is held up in a send, because the broker has stopped reading.
    var isStalled: Bool {
        inbox.withLock { $0.began.map { $0.duration(to: .now) > Self.stallLimit } ?? false }
    }

    /// Asks something of the role. Commands are performed in the order in which they come, or refused.
    func send(_ command: Role.Command) {
        inbox.withLock { $0.commands.append(command) }
        wakeup.signal()
    }

    /// Ends the thread once everything asked so far is done.
    func stop() {
        inbox.withLock { $0.ending = $0.ending ?? .graceful }
        wakeup.signal()
    }

    /// Ends the thread at once, even out of a send that the broker does not read.
    func abort() {
        inbox.withLock { inbox in
            inbox.ending = .immediate
            // The thread closes the socket only after it has taken it back under this lock, so the number is still
            // its own.
            if let descriptor = inbox.descriptor { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        wakeup.signal()
    }

    /// Runs the thread until it was told to stop. Called once.
    func run() async {
        await withCheckedContinuation { continuation in
            Thread.start {
                self.main()
                continuation.resume()
            }
        }
    }

    private func main() {
        var role = makeRole()
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(1))
        while ending == nil {
            do throws(ConnectionError) {
                try live(&role, backoff: &backoff)
            } catch {
                if ending == nil {
                    logger.warning(
                        "Lost or could not make the connection to the broker",
                        metadata: ["broker.address": "\(address)", "broker.error": "\(error)"])
                }
            }
            role.closed()
            pause(for: backoff.next(), refusing: &role)
        }
        refuseAll(&role)
    }

    /// One connection, from the first word to the last.
    private func live(_ role: inout Role, backoff: inout Backoff) throws(ConnectionError) {
        var connection = try Connection.open(address, name: name)
        let descriptor = connection.descriptor
        inbox.withLock { $0.descriptor = descriptor }
        defer {
            inbox.withLock { inbox in
                inbox.descriptor = nil
                inbox.isConnected = false
            }
        }
        try role.opened(connection)
        inbox.withLock { $0.isConnected = true }
        backoff.reset()
        logger.info("Connected to the broker", metadata: ["broker.address": "\(address)"])
        try serve(&connection, &role)
        connection.close()
    }

    /// Returns when the connection may be closed.
    private func serve(_ connection: inout Connection, _ role: inout Role) throws(ConnectionError) {
        var end: ContinuousClock.Instant?
        while true {
            // Read first: then what was asked before it is among the commands.
            let ending = ending
            try drain(&connection, &role)
            while let command = nextCommand() {
                try perform(command, on: connection, &role)
                try drain(&connection, &role)
            }
            var rest = address.heartbeat / 2
            switch ending {
            case .immediate: return
            case .graceful:
                let limit = end ?? .now + Self.endLimit
                end = limit
                if role.isIdle || .now >= limit { return }
                rest = min(rest, ContinuousClock.now.duration(to: limit))
            case nil: break
            }
            wakeup.wait(socket: connection.descriptor, for: rest)
        }
    }

    private func perform(
        _ command: Role.Command, on connection: borrowing Connection, _ role: inout Role
    ) throws(ConnectionError) {
        inbox.withLock { $0.began = .now }
        defer { inbox.withLock { $0.began = nil } }
        try role.perform(command, on: connection)
    }

    private func drain(_ connection: inout Connection, _ role: inout Role) throws(ConnectionError) {
        while let event = try connection.nextEvent() { role.receive(event) }
        role.drained()
    }

    /// Waits before the next connection. Nobody's command waits with it.
    private func pause(for duration: Duration, refusing role: inout Role) {
        let end = ContinuousClock.now + duration
        while ending == nil, .now < end {
            refuseAll(&role)
            wakeup.wait(for: ContinuousClock.now.duration(to: end))
        }
    }

    private func refuseAll(_ role: inout Role) {
        while let command = nextCommand() { role.refuse(command) }
    }

    private func nextCommand() -> Role.Command? {
        inbox.withLock { $0.commands.isEmpty ? nil : $0.commands.removeFirst() }
    }

    private var ending: Ending? { inbox.withLock { $0.ending } }
}
