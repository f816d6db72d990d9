import HTTPTypes
package import NIOCore
package import NIOHTTPTypes

/// What HTTP asks of a connection besides requests and responses: a client that asks first is told to go on, and one that is told
/// `Connection: close` is not listened to for ever.
package final class ConnectionManners: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPRequestPart
    package typealias InboundOut = HTTPRequestPart
    package typealias OutboundIn = HTTPResponsePart
    package typealias OutboundOut = HTTPResponsePart

    /// How long a client that still sends may go on after the last response: closed at once, it might never read it.
    private static let patience = TimeAmount.seconds(2)

    private let maximumBodyBytes: Int
    private var closes = false

    /// - Parameter maximumBodyBytes: a client that announces more is not encouraged.
    package init(maximumBodyBytes: Int) {
        self.maximumBodyBytes = maximumBodyBytes
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data), head.headerFields[.expect]?.lowercased() == "100-continue",
            head.headerFields[.contentLength].flatMap(Int.init) ?? 0 <= maximumBodyBytes
        {
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
        context.fireChannelRead(data)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if case .head(let head) = part, head.headerFields[.connection]?.lowercased() == "close" { closes = true }
        context.write(data, promise: promise)
        if case .end = part, closes {
            let channel = context.channel
            context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
        }
    }
}
