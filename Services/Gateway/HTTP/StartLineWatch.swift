package import NIOCore

/// Remembers the first line of the request that is being received: the decoder says that something is too long or unknown, and
/// not what.
package final class StartLineWatch: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer

    /// The bytes of the first line, as far as they have come.
    package private(set) var length = 0
    private var hasEnded = false
    private var beginning: [UInt8] = []

    private static let longestMethod = 32

    package init() {}

    /// Whether the line begins with a word and a space, as methods do.
    package var beginsWithMethod: Bool {
        let word = beginning.prefix { $0 != 0x20 }
        return !word.isEmpty && word.count < beginning.count && word.allSatisfy(isTokenByte)
    }

    /// Another request begins.
    package func reset() {
        length = 0
        hasEnded = false
        beginning = []
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !hasEnded {
            var bytes = unwrapInboundIn(data).readableBytesView[...]
            // Empty lines before a request are passed over (RFC 9112, 2.2).
            if length == 0 { bytes = bytes.drop { $0 == 0x0d || $0 == 0x0a } }
            let line = bytes.prefix { $0 != 0x0a }
            beginning += line.prefix(Self.longestMethod - beginning.count)
            length += line.count
            hasEnded = line.endIndex < bytes.endIndex
        }
        context.fireChannelRead(data)
    }
}
