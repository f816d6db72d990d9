import HTTPTypes
package import NIOCore
package import NIOHTTP1

/// What HTTP asks of a connection besides requests and responses.
///
/// A head that breaks the rules, and bytes that are no request, are answered with problem details. A client that asks first is
/// told to go on once somebody wants the body. A connection is closed after an answer that came before the request's end, or
/// that the client wanted to be the last, and when the client does not take what is written.
package final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    /// The event by which whoever answers says that the request's body will be read.
    package struct BodyWanted: Sendable {}

    /// How long a client may go on sending after the last response: closed at once, it might never read that.
    private static let patience = TimeAmount.seconds(2)

    private let startLine: StartLineWatch
    private let writeTimeout: TimeAmount
    private let metrics: RequestMetrics
    private var state = ConnectionState()
    private var expectsContinue = false
    private var hasPendingRead = false
    /// Responses that the client has not taken yet.
    private var unwritten = 0
    private var writeTimer: Scheduled<Void>?
    private var isStopping = false

    /// - Parameter writeTimeout: how long a client may take for one response.
    package init(startLine: StartLineWatch, writeTimeout: TimeAmount, metrics: RequestMetrics) {
        self.startLine = startLine
        self.writeTimeout = writeTimeout
        self.metrics = metrics
    }

    // MARK: Requests

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(var head):
            guard !state.isLast else { return }
            do {
                try RequestRules.apply(to: &head)
            } catch {
                return refuse(error, context)
            }
            guard state.receivedHead(closes: Self.isLastRequest(head)) else { return }
            expectsContinue = head.version.minor > 0 && head.headers.contains(name: "expect")
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .body:
            expectsContinue = false
            if state.isReceiving { context.fireChannelRead(data) }
        case .end:
            startLine.reset()
            if state.receivedEnd() { context.fireChannelRead(data) }
        }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        switch state.receivedNonsense(Problem(error, startLine: startLine)) {
        case .tellReader: context.fireErrorCaught(error)
        case .write(let problem): write(problem, context, counting: error == .invalidEOFState)
        case .wait: break
        }
    }

    package func read(context: ChannelHandlerContext) {
        if state.mayRead {
            context.read()
        } else {
            hasPendingRead = true
        }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            isStopping = true
            state.stops()
            restartWriteTimer(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// After such a request the client expects no other answer, or another protocol, which there is none of here.
    private static func isLastRequest(_ head: HTTPRequestHead) -> Bool {
        let options = head.headers[canonicalForm: "connection"].map { $0.lowercased() }
        return options.contains("close") || head.version.minor == 0 || head.headers.contains(name: "upgrade")
    }

    private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        if case .write(let problem) = state.receivedNonsense(problem) { write(problem, context) }
    }

    // MARK: Responses

    package func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if expectsContinue, state.isReceiving {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        expectsContinue = false
        promise?.succeed()
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            switch state.writesHead() {
            case .write: context.write(data, promise: promise)
            case .writeClosing:
                head.headers.replaceOrAdd(name: "connection", value: "close")
                context.write(wrapOutboundOut(.head(head)), promise: promise)
            case .drop: promise?.succeed()
            }
        case .body:
            if state.isOver { promise?.succeed() } else { context.write(data, promise: promise) }
        case .end:
            let action = state.writesEnd()
            if action == .drop {
                promise?.succeed()
                return
            }
            let written = promise ?? context.eventLoop.makePromise()
            observe(written, context)
            context.write(data, promise: written)
            switch action {
            case .refuse(let problem): write(problem, context)
            case .close: close(after: written, context)
            case .goOn, .drop: readOn(context)
            }
        }
    }

    package func flush(context: ChannelHandlerContext) {
        context.flush()
        if unwritten > 0, writeTimer == nil { restartWriteTimer(context) }
    }

    /// A response of this connection's own, its last.
    private func write(_ problem: Problem, _ context: ChannelHandlerContext, counting clientLeft: Bool = false) {
        metrics.count(nil, route: nil, clientLeft ? RequestMetrics.clientLeft : problem.status)
        let body = problem.body
        var fields = problem.fields
        fields.append(contentsOf: SecurityHeaders.fields)
        var headers = HTTPHeaders(fields.map { ($0.name.rawName, $0.value) })
        headers.replaceOrAdd(name: "connection", value: "close")
        headers.replaceOrAdd(name: "content-length", value: String(body.count))
        let status = HTTPResponseStatus(statusCode: problem.status.code, reasonPhrase: problem.status.reasonPhrase)
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        let written = context.eventLoop.makePromise(of: Void.self)
        observe(written, context)
        context.write(wrapOutboundOut(.end(nil)), promise: written)
        close(after: written, context)
        flush(context: context)
    }

    // MARK: The end

    /// Ends this side once everything is written, and the whole connection when the client has had time to read it.
    private func close(after written: EventLoopPromise<Void>, _ context: ChannelHandlerContext) {
        written.futureResult.assumeIsolated().whenSuccess {
            context.close(mode: .output, promise: nil)
            context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { context.close(promise: nil) }
            self.readOn(context)
        }
    }

    private func readOn(_ context: ChannelHandlerContext) {
        guard hasPendingRead, state.mayRead else { return }
        hasPendingRead = false
        context.read()
    }

    private func observe(_ written: EventLoopPromise<Void>, _ context: ChannelHandlerContext) {
        unwritten += 1
        written.futureResult.assumeIsolated().whenComplete { _ in
            self.unwritten -= 1
            self.writeTimer?.cancel()
            self.writeTimer = nil
            if self.unwritten > 0 { self.restartWriteTimer(context) }
        }
    }

    private func restartWriteTimer(_ context: ChannelHandlerContext) {
        writeTimer?.cancel()
        writeTimer = nil
        guard unwritten > 0 else { return }
        let limit = isStopping ? min(Self.patience, writeTimeout) : writeTimeout
        writeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { context.close(promise: nil) }
    }
}
