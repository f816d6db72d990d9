internal import Dispatch
internal import Glibc
internal import Synchronization

/// A TCP relay on loopback between a client and a server, for faults that neither side can be asked for: a connection
/// that is cut, one that only its client knows to be lost, a server that says nothing any more.
package final class Relay: Sendable {
    /// Two sockets, closed when nobody uses them any more.
    private final class Link: Sendable {
        let client: Int32
        let server: Int32

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }

        deinit {
            Glibc.close(client)
            Glibc.close(server)
        }

        func cut() {
            shutdown(client, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
        }
    }

    private struct State {
        var links: [Link] = []
        /// Links whose client is gone, which the server does not know.
        var stranded: [Link] = []
        var isPaused = false
        var isClosed = false
        var accepted = 0
    }

    /// Where clients connect, at 127.0.0.1.
    package let port: Int
    private let listener: Int32
    private let target: UInt16
    private let state = Mutex(State())

    /// Listens at a free port and relays to a port of this machine's.
    package init(to target: Int) {
        self.target = UInt16(target)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            guard let pointer, bind(listener, pointer, length) == 0, listen(listener, 64) == 0 else { return false }
            return getsockname(listener, pointer, &length) == 0
        }
        precondition(isListening, "there is a free port")
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        DispatchQueue(label: "relay.accept").async { self.accept() }
    }

    /// How many connections were taken so far.
    package var accepted: Int { state.withLock { $0.accepted } }

    /// Cuts every connection, as the death of either side would. New ones are taken.
    package func cut() {
        let links = state.withLock { state in
            defer { state.links = [] }
            return state.links
        }
        for link in links { link.cut() }
    }

    /// Cuts the clients off; the server goes on believing in their connections.
    package func strand() {
        let links = state.withLock { state in
            defer { (state.stranded, state.links) = (state.stranded + state.links, []) }
            return state.links
        }
        for link in links { shutdown(link.client, Int32(SHUT_RDWR)) }
    }

    /// Holds everything back, in both directions, until `resume`; connections are still taken, as a hung server's
    /// kernel does.
    package func pause() {
        state.withLock { $0.isPaused = true }
    }

    package func resume() {
        state.withLock { $0.isPaused = false }
    }

    /// Ends it. Must be called, since it holds on to itself.
    package func close() {
        let links = state.withLock { state in
            defer { (state.links, state.stranded) = ([], []) }
            (state.isClosed, state.isPaused) = (true, false)
            return state.links + state.stranded
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for link in links { link.cut() }
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { break }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.address(port: target)
            let connected = withUnsafeBytes(of: &address) { bytes in
                bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.map {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            let link = Link(client: client, server: server)
            let isOpen = state.withLock { state in
                if !state.isClosed { state.links.append(link) }
                state.accepted += 1
                return !state.isClosed
            }
            guard connected == 0, isOpen else { continue }
            for (from, to) in [(client, server), (server, client)] {
                DispatchQueue(label: "relay.pump").async { self.pump(link, from: from, to: to) }
            }
        }
        Glibc.close(listener)
    }

    private func pump(_ link: Link, from: Int32, to: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(from, &buffer, buffer.count)
            while state.withLock({ $0.isPaused }) { usleep(2_000) }
            guard count > 0 else { break }
            var sent = 0
            while sent < count {
                let written = buffer.withUnsafeBytes { bytes in
                    send(to, bytes.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                sent += written
            }
            if sent < count { break }
        }
        let isStranded = state.withLock { $0.stranded.contains { $0 === link } }
        if isStranded { shutdown(link.client, Int32(SHUT_RDWR)) } else { link.cut() }
    }
}
