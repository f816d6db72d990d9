internal import Synchronization
internal import ServiceLifecycle

/// One thing that must hold before a service can take work.
package struct ReadinessCheck: Sendable {
    /// A short name, shown by `/readyz`.
    package let name: String
    /// Returns when it holds, throws why not.
    package let check: @Sendable () async throws -> Void

    package init(_ name: String, _ check: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.check = check
    }

    /// A check that holds when `isReady` says so.
    package init(_ name: String, _ isReady: @escaping @Sendable () async -> Bool, otherwise reason: String) {
        self.init(name) { if await !isReady() { throw NotReady(reason: reason) } }
    }
}

/// Why something does not hold yet, in words.
package struct NotReady: Error, CustomStringConvertible {
    package let description: String

    package init(reason: String) {
        description = reason
    }
}

/// Whether a service can take work: every check holds, and it has not been told to stop.
///
/// As a service it is the last of its group, hence the first to hear of a graceful shutdown.
package final class Readiness: Service {
    /// How long a check may take.
    private static let limit = Duration.seconds(3)

    private let checks: [ReadinessCheck]
    private let isStopping = Atomic(false)

    package init(_ checks: [ReadinessCheck]) {
        self.checks = checks
    }

    package func run() async throws {
        try? await gracefulShutdown()
        isStopping.store(true, ordering: .relaxed)
    }

    /// The checks that fail, by name, and why; empty when ready.
    package func failures() async -> [String: String] {
        var failures: [String: String] = [:]
        if isStopping.load(ordering: .relaxed) { failures["service"] = "it is stopping" }
        await withTaskGroup(of: (String, String?).self) { group in
            for check in checks {
                group.addTask { (check.name, await Self.failure(of: check)) }
            }
            for await case (let name, let failure?) in group { failures[name] = failure }
        }
        return failures
    }

    private static func failure(of check: ReadinessCheck) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask {
                do {
                    try await check.check()
                    return nil
                } catch {
                    return "\(error)"
                }
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return "it did not answer within \(limit)"
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
