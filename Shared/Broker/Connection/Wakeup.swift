import CRabbitMQ
import Glibc

/// Wakes a thread that sleeps in `poll`: an eventfd.
final class Wakeup: Sendable {
    private let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(descriptor >= 0, "The system has no file descriptors left.")
    }

    deinit {
        close(descriptor)
    }

    /// Ends the current wait, or else the next one.
    func signal() {
        eventfd_write(descriptor, 1)
    }

    /// Sleeps until `signal` was called, `socket` has something to read or is closed, or the time is over.
    func wait(socket: Int32? = nil, for limit: Duration) {
        var descriptors = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        if let socket { descriptors.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
        let milliseconds = Int32(clamping: max(limit.milliseconds, 1))
        guard poll(&descriptors, nfds_t(descriptors.count), milliseconds) > 0, descriptors[0].revents != 0 else {
            return
        }
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}
