/// Where a connection stands between its requests and their responses. A value without I/O.
package struct ConnectionState: Hashable, Sendable {
    /// Requests received, at least in part, whose response is not written yet.
    package private(set) var unanswered = 0
    /// The last of them is still being received.
    package private(set) var isReceiving = false
    /// No request after those received is taken.
    package private(set) var isLast = false
    /// The last response is written: what still comes is thrown away until the connection is closed.
    package private(set) var isOver = false
    /// What is said, once all requests are answered, about the bytes that follow them.
    private var refusal: Problem?

    package init() {}

    /// Whether more may be read from the client: not while it waits for an answer, or requests would pile up in memory.
    package var mayRead: Bool { unanswered == 0 || isReceiving || isOver }

    // MARK: What is received

    /// A request's head.
    ///
    /// - Parameter closes: the client, or its version of HTTP, wants the connection closed after the answer.
    /// - Returns: whether the request is taken.
    package mutating func receivedHead(closes: Bool) -> Bool {
        guard !isLast else { return false }
        unanswered += 1
        isReceiving = true
        isLast = closes
        return true
    }

    /// A request's end. Returns whether it belongs to a request that is taken, as parts of a body do while `isReceiving`.
    package mutating func receivedEnd() -> Bool {
        defer { isReceiving = false }
        return isReceiving
    }

    package enum Refusal: Hashable, Sendable {
        /// Whoever reads the request's body is told.
        case tellReader
        /// This is written at once, and then the connection is closed.
        case write(Problem)
        /// It is said later, or there is nobody to say it to.
        case wait
    }

    /// Bytes that are no request, or no part of one.
    package mutating func receivedNonsense(_ problem: Problem) -> Refusal {
        if isReceiving {
            isLast = true
            return .tellReader
        }
        guard !isLast else { return .wait }
        isLast = true
        guard unanswered == 0 else {
            refusal = problem
            return .wait
        }
        isOver = true
        return .write(problem)
    }

    /// The service stops: what was received is answered, and nothing more is taken.
    package mutating func stops() {
        if unanswered > 0 { isLast = true }
    }

    // MARK: What is written

    package enum ResponseHead: Hashable, Sendable {
        case write
        /// With `Connection: close`: no more requests are taken.
        case writeClosing
        /// Its request has been answered.
        case drop
    }

    /// A response's head. An answer to a request that is still being received is the last: the rest of it is not read.
    package mutating func writesHead() -> ResponseHead {
        guard unanswered > 0 else { return .drop }
        guard unanswered == 1, refusal == nil, isLast || isReceiving else { return .write }
        isLast = true
        isReceiving = false
        return .writeClosing
    }

    package enum ResponseEnd: Hashable, Sendable {
        case goOn
        /// The connection is closed after it.
        case close
        /// This is written after it, and then the connection is closed.
        case refuse(Problem)
        case drop
    }

    /// A response's end.
    package mutating func writesEnd() -> ResponseEnd {
        guard unanswered > 0 else { return .drop }
        unanswered -= 1
        guard unanswered == 0, isLast else { return .goOn }
        isOver = true
        return refusal.map { .refuse($0) } ?? .close
    }
}
