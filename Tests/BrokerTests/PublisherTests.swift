import Foundation
import Messages
import Testing

@testable import Broker

@Suite(
    .enabled(if: VirtualHost.isGiven, "MIEN_TEST_BROKER and MIEN_TEST_BROKER_API name no broker"),
    .timeLimit(.minutes(2)))
struct PublisherTests {
    private let fact = ErasureRequested(user: .random())

    /// A publisher, connected, and nothing else.
    private func publishing<Result: Sendable>(
        _ host: VirtualHost, _ body: (Publisher) async throws -> Result
    ) async throws -> Result {
        let publisher = Publisher(address: host.address, logger: .silent)
        return try await running([publisher]) {
            try await eventually("connected") { publisher.isConnected }
            return try await body(publisher)
        }
    }

    @Test func manyMessagesInFlightAreAllConfirmed() async throws {
        try await VirtualHost.run { host in
            try await publishing(host) { publisher in
                try await withThrowingTaskGroup { group in
                    for _ in 0..<500 {
                        group.addTask { try await publisher.submit(fact, header: .sample(.accepted)) }
                    }
                    try await group.waitForAll()
                }
                let depth = try await publisher.depth(of: .jobs(.identity, .accepted))
                #expect(depth == QueueDepth(ready: 500, consumers: 0))
            }
        }
    }

    @Test func aMessageSaysWhatAnOperatorWantsToKnow() async throws {
        try await VirtualHost.run { host in
            try await publishing(host) { publisher in
                let interactive = JobHeader.sample()
                try await publisher.submit(fact, header: interactive)
                let message = try await host.take(from: .jobs(.identity, .interactive))
                #expect(message.properties.type == "erasure-requested")
                #expect(message.properties.correlation_id == interactive.job.description)
                #expect(message.properties.delivery_mode == 1)
                #expect(message.header?.reply.gateway == interactive.reply.gateway)
                try await publisher.submit(fact, header: .sample(.accepted))
                #expect(try await host.take(from: .jobs(.identity, .accepted)).properties.delivery_mode == 2)
            }
        }
    }

    @Test func withoutAQueueItIsUnroutable() async throws {
        try await VirtualHost.run { host in
            try await publishing(host) { publisher in
                try await host.delete(.jobs(.identity, .interactive))
                await #expect(throws: BrokerError.unroutable) { try await publisher.submit(fact, header: .sample()) }
            }
        }
    }

    @Test(arguments: Urgency.allCases)
    func aQueueAtItsLimitIsFull(urgency: Urgency) async throws {
        try await VirtualHost.run { host in
            try await publishing(host) { publisher in
                try await host.setPolicy(
                    #"^mien\\.identity\\."#, #"{"max-length":2,"overflow":"reject-publish"}"#)
                // A quorum queue lets a few more in than its limit says.
                await #expect(throws: BrokerError.full) {
                    for _ in 0..<50 { try await publisher.submit(fact, header: .sample(urgency)) }
                }
            }
        }
    }

    @Test func whatIsPastItsDeadlineIsNotPublished() async throws {
        try await VirtualHost.run { host in
            try await publishing(host) { publisher in
                await #expect(throws: BrokerError.deadlinePassed) {
                    try await publisher.submit(fact, header: .sample(deadlineIn: -1))
                }
            }
        }
    }

    @Test func itReconnectsByItselfAndNobodyWaitsForever() async throws {
        try await VirtualHost.run { host in
            try await publishing(host) { publisher in
                let first = try await host.closeConnections(1)
                let results = await withTaskGroup(of: BrokerError?.self) { group in
                    for _ in 0..<50 {
                        group.addTask {
                            do throws(BrokerError) {
                                try await publisher.submit(fact, header: .sample(.accepted))
                                return nil
                            } catch {
                                return error
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(results.allSatisfy { $0 == nil || $0 == .disconnected })
                try await eventually("another connection") {
                    let names = try await host.connections()
                    return !names.isEmpty && Set(names).isDisjoint(with: first)
                }
                try await eventually("connected") { publisher.isConnected }
                try await publisher.submit(fact, header: .sample(.accepted))
            }
        }
    }

    @Test func anIdleConnectionOutlivesManyHeartbeats() async throws {
        try await VirtualHost.run { host in
            var address = host.address
            address.heartbeat = .seconds(1)
            let publisher = Publisher(address: address, logger: .silent)
            try await running([publisher]) {
                var first: VirtualHost.Connection?
                try await eventually("connected and counted") {
                    first = try await host.openConnections().first
                    return publisher.isConnected && first?.recv_oct ?? 0 > 0
                }
                let before = try #require(first)
                // The broker hangs up when it has heard nothing for two heartbeats, of 8 bytes each.
                try await eventually("ten heartbeats") {
                    let now = try await host.openConnections()
                    #expect(now.map(\.name) == [before.name])
                    return (now.first?.recv_oct ?? 0) - (before.recv_oct ?? 0) >= 10 * 8
                }
                try await publisher.submit(fact, header: .sample())
            }
        }
    }

    @Test func withoutABrokerItSaysSoAtOnceAndStillStops() async throws {
        let publisher = Publisher(address: BrokerAddress(port: 1), logger: .silent)
        try await running([publisher]) {
            await #expect(throws: BrokerError.disconnected) { try await publisher.submit(fact, header: .sample()) }
            await #expect(throws: BrokerError.disconnected) {
                try await publisher.depth(of: .jobs(.identity, .accepted))
            }
            #expect(!publisher.isConnected)
        }
    }

    @Test func aWrongPasswordLeavesItDisconnected() async throws {
        try await VirtualHost.run { host in
            var address = host.address
            address.password += "x"
            let publisher = Publisher(address: address, logger: .silent)
            try await running([publisher]) {
                await #expect(throws: BrokerError.disconnected) { try await publisher.submit(fact, header: .sample()) }
            }
        }
    }
}
