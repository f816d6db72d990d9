import Broker
import Foundation
import Gateway
import HTTPTypes
import Logging
import Messages
import NIOCore
import NIOPosix
import Operations
import ServiceLifecycle
import Synchronization
import Testing

/// What a gateway says to bytes on a real connection.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    static let picture = "POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"

    /// A gateway that sees a face in everything.
    static func gateway(settings: GatewaySettings = GatewaySettings(), metrics: RequestMetrics = RequestMetrics())
        -> Edge
    {
        Scripted.gateway(
            settings: settings,
            ask: { (_: any Message, header: JobHeader) async throws(BrokerError) -> Envelope in
                Scripted.envelope(FaceAnalysed(analysis: Example.analysis), header)
            }, metrics: metrics)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400), ("GET nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400), ("nonsense\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n", 400), ("GET / HTTP/1.1\r\nHost: localhost\r\nA b: c\r\n\r\n", 400),
        ("FETCH / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501), ("get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        ("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        ("GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        ("GET /\(String(repeating: "a", count: 40000)) HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: a=\(String(repeating: "x", count: 17000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "x", count: 17000)): a\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "a: b\r\n", count: 200))\r\n", 431),
        (picture + "Transfer-Encoding: gzip\r\n\r\nx", 501),
        (picture + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (picture + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        (picture + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        (picture + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        (picture + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (picture + "Content-Length: five\r\n\r\nhello", 400), (picture + "Content-Length: -5\r\n\r\nhello", 400),
        (picture + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (picture + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloooo\r\n", 400),
        (picture + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: \(String(repeating: "x", count: 17000))\r\n\r\n", 400),
        (picture + "Expect: something\r\nContent-Length: 5\r\n\r\nhello", 417),
        ("POST http://evil.example/v1/selfies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", 403),
        ("POST /v1/selfies HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1\r\n\r\nx", 403),
        ("GET /goUpdate?gf6v59c5yuY HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        ("POST /v1/analyses HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nabc", 400),
        ("POST /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 404),
    ])
    func whatBreaksTheRulesIsToldAndLeft(_ request: String, _ status: Int) async throws {
        try await LiveGateway.run(Self.gateway()) { live in
            try await live.connect { connection in
                try await connection.send(request)
                connection.endSending()
                let answer = try await connection.readToEnd()
                #expect(answer.statuses == [status], "\(answer)")
                #expect(answer.contains("application/problem+json") && answer.contains("nosniff"))
            }
        }
    }

    @Test(arguments: [
        ("GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 200),
        ("GET http://localhost HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200),
        ("GET HTTP://127.0.0.1/?a=b HTTP/1.1\r\nHost: localhost\r\nConnection: Close\r\n\r\n", 200),
        ("GET /%6fpenapi%2Eyaml HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, close\r\n\r\n", 200),
        ("GET /openapi.yaml?%zz HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n", 200),
        ("GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        ("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n", 200),
        ("OPTIONS / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        ("TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405),
        ("\r\nGET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200),
        (picture + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n", 200),
        (picture + "Connection: close\r\nTransfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200),
    ])
    func theLastRequestIsAnsweredAndTheConnectionClosed(_ request: String, _ status: Int) async throws {
        try await LiveGateway.run(Self.gateway()) { live in
            let answer = try await live.answer(to: request)
            #expect(answer.statuses == [status], "\(answer)")
            #expect(answer.lowercased().contains("connection: close"))
        }
    }

    @Test func requestsSentTogetherAreAnsweredInOrder() async throws {
        try await LiveGateway.run(Self.gateway()) { live in
            let get = "GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let post = Self.picture + "Content-Length: 5\r\n\r\nhello"
            let nowhere = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let answer = try await live.answer(to: get + post + nowhere + get + "nonsense\r\n\r\n" + get)
            #expect(answer.statuses == [200, 200, 404, 200, 400])
        }
    }

    @Test func anEarlyAnswerClosesTheConnection() async throws {
        try await LiveGateway.run(Self.gateway()) { live in
            try await live.connect { connection in
                try await connection.send("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\na")
                try await connection.read(until: "nothing at this path")
                // A client that goes on slowly is not listened to for ever.
                let answer = try await connection.readToEnd()
                #expect(answer.statuses == [404] && answer.lowercased().contains("connection: close"))
            }
        }
    }

    @Test func aClientThatAsksFirstIsToldToGoOn() async throws {
        try await LiveGateway.run(Self.gateway()) { live in
            try await live.connect { connection in
                try await connection.send(Self.picture + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
                try await connection.read(until: "100 Continue\r\n\r\n")
                try await connection.send("hello")
                try await connection.read(until: "\"timings\"")
                #expect(connection.received.statuses == [100, 200])
            }
            for (head, status) in [
                (Self.picture + "Content-Length: 99999999\r\n", 413),
                ("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n", 404),
                ("POST /v1/selfies HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 5\r\n", 403),
                (Self.picture.replacing("image/jpeg", with: "text/plain") + "Content-Length: 5\r\n", 415),
            ] {
                let answer = try await live.answer(to: head + "Expect: 100-Continue\r\n\r\n")
                #expect(answer.statuses == [status])
            }
        }
    }

    @Test func aClientThatLeavesIsNotOurFault() async throws {
        let registry = PrometheusRegistry()
        try await LiveGateway.run(Self.gateway(metrics: RequestMetrics(registry))) { live in
            // Half closed: whoever still listens is told.
            try await live.connect { connection in
                try await connection.send(Self.picture + "Content-Length: 99\r\n\r\nabc")
                connection.endSending()
                let answer = try await connection.readToEnd()
                #expect(answer.statuses == [400] && answer.contains("before all of its body had come"))
            }
            // Gone.
            try await live.connect { connection in
                try await connection.send(Self.picture + "Content-Length: 99\r\n\r\nabc")
            }
            let counted = #"mien_http_requests_total{method="POST",route="/v1/analyses",status="499"} 2"#
            while !registry.text().contains(counted) { try await Task.sleep(for: .milliseconds(5)) }
            #expect(!registry.text().contains(#"status="500""#))
        }
    }

    @Test func whatIsRefusedBeforeItIsReadIsCounted() async throws {
        let registry = PrometheusRegistry()
        try await LiveGateway.run(Self.gateway(metrics: RequestMetrics(registry))) { live in
            _ = try await live.answer(to: "nonsense\r\n\r\n")
        }
        #expect(registry.text().contains(#"mien_http_requests_total{method="other",route="none",status="400"} 1"#))
    }

    @Test func bodiesShareTheirMemory() async throws {
        var settings = GatewaySettings()
        settings.bodyMemory = 1000
        try await LiveGateway.run(Self.gateway(settings: settings), settings: settings) { live in
            let small = Self.picture + "Content-Length: 200\r\n\r\n" + String(repeating: "x", count: 200)
            try await live.connect { first in
                try await first.send(Self.picture + "Content-Length: 901\r\n\r\n" + String(repeating: "x", count: 900))
                var refused = ""
                while refused.statuses != [503] {
                    refused = try await live.connect { connection in
                        try await connection.send(small)
                        return try await connection.read(until: "}")
                    }
                }
                #expect(refused.lowercased().contains("retry-after: "))
                // What is announced and does not come takes nothing from others.
                let little =
                    Self.picture + "Connection: close\r\nContent-Length: 50\r\n\r\n" + String(repeating: "x", count: 50)
                #expect(try await live.answer(to: little).statuses == [200])
                try await first.send("x")
                try await first.read(until: "\"timings\"")
                #expect(first.received.statuses == [200])
            }
            #expect(
                try await live.answer(to: small.replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")).statuses
                    == [200])
        }
    }

    @Test func connectionsHaveAMaximum() async throws {
        var settings = GatewaySettings()
        settings.maximumConnections = 2
        try await LiveGateway.run(Self.gateway(), settings: settings) { live in
            let get = "GET /problems/no-face HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let answered = Flag()
            try await withThrowingTaskGroup(of: Void.self) { third in
                try await live.connect { first in
                    try await live.connect { second in
                        try await second.send(get)
                        try await second.read(until: "422")
                        third.addTask {
                            let last = get.replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")
                            let answer = try await live.answer(to: last)
                            #expect(answer.statuses == [200])
                            answered.set()
                        }
                        for round in 1...100 {
                            try await first.send(get)
                            while first.received.statuses.count < round { try await first.readMore() }
                        }
                        #expect(!answered.isSet)
                    }
                }
                try await third.waitForAll()
            }
        }
    }

    @Test func aClientThatNeverReadsIsLeft() async throws {
        var settings = GatewaySettings()
        settings.writeTimeout = .milliseconds(100)
        try await LiveGateway.run(Self.gateway(), settings: settings) { live in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.autoRead, value: false)
                .connect(host: "127.0.0.1", port: live.port).get()
            let get = "GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n"
            channel.writeAndFlush(ByteBuffer(string: String(repeating: get, count: 2000)), promise: nil)
            try await channel.closeFuture.get()
        }
    }

    @Test func aBodyThatIsNotThereWhenTheGatewayStopsIsNotWaitedFor() async throws {
        try await LiveGateway.run(Self.gateway()) { live in
            try await live.connect { connection in
                try await connection.send(Self.picture + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
                try await connection.read(until: "100 Continue")
                await live.group.triggerGracefulShutdown()
                let answer = try await connection.readToEnd()
                #expect(answer.statuses == [100, 503] && answer.lowercased().contains("retry-after: "))
            }
        }
    }
}

/// Something that happened in another task.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() {
        value.store(true, ordering: .relaxed)
    }
}
