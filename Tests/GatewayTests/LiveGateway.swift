import Gateway
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// A gateway that listens on a port of its own.
struct LiveGateway {
    let port: Int
    /// The group that it runs in, to be stopped.
    let group: ServiceGroup

    /// Runs a gateway while `body` runs.
    static func run<R: Sendable>(
        _ gateway: Edge, settings: GatewaySettings = GatewaySettings(), _ body: (LiveGateway) async throws -> R
    ) async throws -> R {
        var settings = settings
        settings.port = 0
        let (ports, listening) = AsyncStream<Int>.makeStream()
        let server = Application(gateway, settings: settings, logger: silence) { channel in
            listening.yield(channel.localAddress?.port ?? 0)
        }
        var configuration = ServiceGroupConfiguration(services: [server], logger: silence)
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        let group = ServiceGroup(configuration: configuration)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            guard let port = await ports.first(where: { _ in true }) else { throw CancellationError() }
            let result = try await body(LiveGateway(port: port, group: group))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        }
    }

    private static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Opens a connection for as long as `body` runs.
    func connect<R: Sendable>(_ body: (inout RawConnection) async throws -> R) async throws -> R {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(iterator: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&connection)
        }
    }

    /// Sends bytes and returns all that comes until the gateway closes the connection.
    func answer(to text: String) async throws -> String {
        try await connect { connection in
            try await connection.send(text)
            return try await connection.readToEnd()
        }
    }
}

/// A client that sends bytes as they are.
struct RawConnection {
    fileprivate var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private(set) var received = ""

    fileprivate init(
        iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.iterator = iterator
        self.outbound = outbound
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    /// Ends this side of the connection.
    func endSending() {
        outbound.finish()
    }

    /// Reads until what came contains a text; returns everything that came.
    @discardableResult
    mutating func read(until text: String) async throws -> String {
        while !received.contains(text), let buffer = try await iterator.next(isolation: #isolation) {
            received += String(buffer: buffer)
        }
        return received
    }

    /// Reads once.
    mutating func readMore() async throws {
        guard let buffer = try await iterator.next(isolation: #isolation) else { throw CancellationError() }
        received += String(buffer: buffer)
    }

    /// Reads until the other side closes; returns everything that came.
    mutating func readToEnd() async throws -> String {
        while let buffer = try await iterator.next(isolation: #isolation) { received += String(buffer: buffer) }
        return received
    }
}

extension String {
    /// The status codes of the responses in it.
    var statuses: [Int] {
        matches(of: /HTTP\/1\.1 (\d{3})/).compactMap { Int($0.1) }
    }
}
