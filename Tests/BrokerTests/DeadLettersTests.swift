import Foundation
import Messages
import Synchronization
import Testing

@testable import Broker

@Suite(
    .enabled(if: VirtualHost.isGiven, "MIEN_TEST_BROKER and MIEN_TEST_BROKER_API name no broker"),
    .timeLimit(.minutes(2)))
struct DeadLettersTests {
    private let fact = ErasureRequested(user: .random())

    /// Runs `body` with the dead letters of jobs that identity gave up: accepted ones in this order, then a waiting one.
    private func withDeadLetters(
        accepted: Int, _ body: (DeadLetters, Publisher, [JobHeader]) async throws -> Void
    ) async throws {
        try await VirtualHost.run { host in
            let publisher = Publisher(address: host.address, logger: .silent)
            let stage = Stage(
                name: .identity, address: host.address, publisher: publisher,
                settings: StageSettings(interactiveAttempts: 1, acceptedAttempts: 1),
                handler: Handler { $0.map { _ in .retry(Failure(.internalError, "It never works.")) } },
                logger: .silent)
            let headers = (0..<accepted).map { _ in JobHeader.sample(.accepted) } + [.sample()]
            try await running([publisher, stage]) {
                try await eventually("connected") { publisher.isConnected && stage.isConnected }
                for (index, header) in headers.enumerated() {
                    try await publisher.submit(fact, header: header)
                    try await eventually("it is given up") {
                        try await publisher.depth(of: .dead(.identity)).ready == index + 1
                    }
                }
            }
            let observer = Publisher(address: host.address, logger: .silent)
            try await running([observer]) {
                try await eventually("connected") { observer.isConnected }
                try await body(DeadLetters(address: host.address, logger: .silent), observer, headers)
            }
        }
    }

    private func all(_ letters: DeadLetters, _ fate: DeadLetters.Fate = .keep) async throws -> [DeadLetter] {
        let seen = Mutex<[DeadLetter]>([])
        try await letters.visit { letter in
            seen.withLock { $0.append(letter) }
            return fate
        }
        return seen.withLock(\.self)
    }

    /// What was taken and kept is back once the broker has closed the connection.
    private func waits(_ count: Int, in queue: Queue, _ publisher: Publisher) async throws {
        try await eventually("\(count) are in \(queue.name)") { try await publisher.depth(of: queue).ready == count }
    }

    @Test func lookingChangesNothing() async throws {
        try await withDeadLetters(accepted: 3) { letters, publisher, headers in
            for _ in 1...3 {
                let seen = try await all(letters)
                #expect(seen.map(\.job) == headers.map(\.job.description))
                #expect(seen.map(\.isReplayable) == [true, true, true, false])
                #expect(seen.allSatisfy { $0.stage == .identity && $0.type == ErasureRequested.name })
                #expect(seen.allSatisfy { $0.reason == "attempts-exhausted: It never works." && $0.died != nil })
                #expect(seen.map { $0.bytes > 0 } == [true, true, true, false])
                try await waits(4, in: .dead(.identity), publisher)
            }
        }
    }

    @Test func aLetterSentAgainBeginsItsStageAnew() async throws {
        try await withDeadLetters(accepted: 2) { letters, publisher, headers in
            let seen = try await all(letters, .replay)
            #expect(seen.count == 3)
            // What somebody waited for is kept.
            try await waits(1, in: .dead(.identity), publisher)
            try await waits(2, in: .jobs(.identity, .accepted), publisher)
        }
    }

    @Test func onlyTheChosenOnesAreThrownAway() async throws {
        try await withDeadLetters(accepted: 3) { letters, publisher, headers in
            try await letters.visit([.identity]) { $0.job == headers[1].job.description ? .purge : .keep }
            try await waits(3, in: .dead(.identity), publisher)
            #expect(try await all(letters).map(\.job) == [0, 2, 3].map { headers[$0].job.description })
            try await letters.visit([.vision]) { _ in .purge }
            try await waits(3, in: .dead(.identity), publisher)
            _ = try await all(letters, .purge)
            try await waits(0, in: .dead(.identity), publisher)
        }
    }

    @Test func withoutABrokerItSaysSo() async throws {
        let letters = DeadLetters(address: BrokerAddress(port: 1), logger: .silent, connectLimit: .milliseconds(200))
        await #expect(throws: BrokerError.disconnected) { try await letters.visit { _ in .keep } }
    }
}
