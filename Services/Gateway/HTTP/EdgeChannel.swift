package import Hummingbird
package import HummingbirdCore
package import Logging
package import NIOCore
import NIOHTTP1
package import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// One client's connection: HTTP/1.1, with the gateway's limits.
package struct EdgeChannel: HTTPChannelHandler {
    package typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    package let responder: HTTPChannelHandler.Responder
    /// A connection that does nothing for so long is closed.
    package let idleTimeout: TimeAmount
    /// A client that takes longer for a response is left.
    package let writeTimeout: TimeAmount

    package let metrics: RequestMetrics

    package init(
        settings: GatewaySettings, metrics: RequestMetrics, responder: @escaping HTTPChannelHandler.Responder
    ) {
        self.responder = responder
        self.metrics = metrics
        idleTimeout = TimeAmount(settings.idleTimeout)
        writeTimeout = TimeAmount(settings.writeTimeout)
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = 16_384
            limits.maxHeaderListSize = 32_768
            limits.maxHeaderFieldCount = 100
            let startLine = StartLineWatch()
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(startLine)
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
            try pipeline.addHandler(
                ConnectionHandler(startLine: startLine, writeTimeout: writeTimeout, metrics: metrics))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: Duration(idleTimeout), logger: logger))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    package func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}

extension Application where Responder == Edge {
    /// The HTTP server before it runs.
    ///
    /// - Parameter onServerRunning: called with the listening channel.
    package init(
        _ edge: Edge, settings: GatewaySettings, logger: Logger,
        onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) {
        self.init(
            responder: edge,
            server: HTTPServerBuilder { EdgeChannel(settings: settings, metrics: edge.metrics, responder: $0) },
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: nil,
                availableConnectionsDelegate: .maximum(settings.maximumConnections, logger: logger)),
            onServerRunning: onServerRunning, logger: logger)
    }
}
