package import Hummingbird
package import NIOCore

/// What comes with a request beside the request itself: the connection that it came by.
package struct EdgeContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    package let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
