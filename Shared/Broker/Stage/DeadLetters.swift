import FoundationEssentials
package import Logging
package import Messages

/// The dead letters of all stages, for an operator: looks through them, sends them again, throws them away.
///
/// A letter that is kept stays where it was. One that is sent again begins its stage anew, and leaves only once the
/// broker has the new message: an interruption leaves a letter too many, never one too few.
package struct DeadLetters: Sendable {
    /// What becomes of a letter.
    package enum Fate: Sendable {
        case keep
        /// Its stage works on it once more. Only for a letter that `isReplayable`.
        case replay
        case purge
    }

    private let address: BrokerAddress
    private let logger: Logger
    private let connectLimit: Duration

    /// - Parameter connectLimit: how long the broker may take, to be reached and to answer.
    package init(address: BrokerAddress, logger: Logger, connectLimit: Duration = .seconds(10)) {
        self.connectLimit = connectLimit
        self.address = address
        self.logger = logger
    }

    /// Shows every dead letter of some stages, oldest first, and does with each what `fate` says.
    ///
    /// Letters that come meanwhile are left for the next time. One at a time is held in memory.
    ///
    /// - Throws: `BrokerError` when the broker cannot be reached or takes nothing; what `fate` throws.
    package func visit(
        _ stages: [StageName] = StageName.allCases, _ fate: (DeadLetter) async throws -> Fate
    ) async throws {
        let publisher = Publisher(address: address, logger: logger)
        let browser = ConnectionThread(address: address, name: "mien dead letters", logger: logger) { Browsing() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            group.addTask { await browser.run() }
            defer {
                // In good order: what was acknowledged is done before the end is said.
                browser.stop()
                publisher.stop()
            }
            try await connect { publisher.isConnected && browser.isConnected }
            for stage in stages { try await visit(stage, publisher, browser, fate) }
        }
    }

    private func visit(
        _ stage: StageName, _ publisher: Publisher, _ browser: ConnectionThread<Browsing>,
        _ fate: (DeadLetter) async throws -> Fate
    ) async throws {
        for _ in 0..<(try await publisher.depth(of: .dead(stage)).ready) {
            let taken = Promise<Delivery?>()
            browser.send(.take(.dead(stage), taken))
            guard let delivery = try await taken.value(within: connectLimit, orFail: .unconfirmed) else { return }
            let letter = DeadLetter(delivery, stage: stage)
            switch try await fate(letter) {
            case .keep: continue
            case .purge: break
            case .replay:
                guard var header = letter.header, letter.isReplayable else { continue }
                header.beginStage()
                try await publisher.publish(
                    Publication(
                        delivery.properties.type, contentType: delivery.properties.contentType, body: delivery.body,
                        header: header, to: .stage(stage, header.reply.urgency), now: .now))
            }
            browser.send(.acknowledge(tag: delivery.tag))
        }
    }

    private func connect(_ isConnected: () -> Bool) async throws {
        let end = ContinuousClock.now + connectLimit
        while !isConnected() {
            guard .now < end else { throw BrokerError.disconnected }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// The role of a connection that looks through queues: what it takes and does not acknowledge is back when it closes.
private struct Browsing: ConnectionRole {
    enum Command: Sendable {
        /// Takes the next message of a queue, if there is one.
        case take(Queue, Promise<Delivery?>)
        case acknowledge(tag: UInt64)
    }

    private var taking: Promise<Delivery?>?

    var isIdle: Bool { true }

    mutating func opened(_ connection: borrowing Connection) throws(ConnectionError) {
        try Topology.declare(on: connection)
    }

    mutating func perform(_ command: Command, on connection: borrowing Connection) throws(ConnectionError) {
        switch command {
        case .take(let queue, let promise):
            taking = promise
            try connection.get(queue: queue.name)
        case .acknowledge(let tag): try connection.acknowledge(tag: tag)
        }
    }

    mutating func receive(_ event: ConnectionEvent) {
        switch event {
        case .delivered(let delivery): taking?.settle(.success(delivery))
        case .nothing: taking?.settle(.success(nil))
        case .returned, .confirmed, .blocked, .unblocked: return
        }
        taking = nil
    }

    mutating func drained() {}

    mutating func closed() {
        taking?.settle(.failure(.disconnected))
        taking = nil
    }

    mutating func refuse(_ command: Command) {
        if case .take(_, let promise) = command { promise.settle(.failure(.disconnected)) }
    }
}
