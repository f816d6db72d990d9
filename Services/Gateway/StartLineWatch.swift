package import NIOCore

/// Remembers how the request that is being received begins: the decoder says that something is too long or unknown, and not
/// whether that was the first line.
package final class StartLineWatch: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer

    /// Whether the first line is complete.
    package private(set) var hasEnded = false
    private var beginning: [UInt8] = []

    private static let longestMethod = 32

    package init() {}

    /// Whether the line begins with a word and a space, as methods do.
    package var beginsWithMethod: Bool {
        let word = beginning.prefix { $0 != 0x20 }
        return !word.isEmpty && word.count < beginning.count && word.allSatisfy { Self.isTokenByte($0) }
    }

    /// Another request begins.
    package func reset() {
        hasEnded = false
        beginning = []
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !hasEnded {
            let bytes = unwrapInboundIn(data).readableBytesView
            beginning += bytes.prefix(Self.longestMethod - beginning.count)
            // Empty lines before a request are passed over (RFC 9112, 2.2).
            beginning = Array(beginning.drop { $0 == 0x0d || $0 == 0x0a })
            hasEnded = bytes.drop { $0 == 0x0d || $0 == 0x0a }.contains(0x0a)
        }
        context.fireChannelRead(data)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
