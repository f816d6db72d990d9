internal import Glibc

/// Wakes a thread that waits for a socket: a pipe, which once rung stays so until it is reset.
final class Wakeup: Sendable {
    /// What ended a wait.
    enum Ending {
        /// The socket can be read, or has failed; or it can be written to, where that was waited for.
        case ready
        case rung
        case timedOut
    }

    private let reading: Int32
    private let writing: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let failure = pipe(&ends)
        precondition(failure == 0, "no file descriptor is left")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    func ring() {
        var byte: UInt8 = 1
        _ = write(writing, &byte, 1)
    }

    /// Forgets every ring so far.
    func reset() {
        var byte: UInt8 = 0
        while read(reading, &byte, 1) == 1 {}
    }

    /// Blocks until a socket can be read (or, for a writer, written to as well), the call rings or the time is over.
    ///
    /// - Parameter isHeard: whether a ring ends the wait.
    func wait(
        for socket: Int32, toWrite: Bool = false, isHeard: Bool = true, until deadline: ContinuousClock.Instant? = nil
    ) -> Ending {
        var descriptors = [
            pollfd(fd: socket, events: Int16(POLLIN | (toWrite ? POLLOUT : 0)), revents: 0),
            pollfd(fd: isHeard ? reading : -1, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let left = ContinuousClock.now.duration(to: deadline)
                guard left > .zero else { return .timedOut }
                milliseconds = Int32(clamping: left.milliseconds + 1)
            }
            let count = poll(&descriptors, 2, milliseconds)
            if descriptors[1].revents != 0 { return .rung }
            if count > 0 { return .ready }
            // Interrupted by a signal, or the time is over.
        }
    }
}

extension Duration {
    /// In whole milliseconds.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
