import Glibc

/// A thread of its own for code that blocks, which the cooperative pool must not.
enum Thread {
    /// Starts a thread that ends with `body`.
    static func start(_ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(body: body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { start in
                guard let start else { return nil }
                Unmanaged<Start>.fromOpaque(start).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        precondition(status == 0, "The system has no threads left.")
        pthread_detach(thread)
    }

    /// A closure as an object, which a C pointer can hold.
    private final class Start: Sendable {
        let body: @Sendable () -> Void

        init(body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}
