import Synchronization

/// The memory that all bodies in flight share: bytes that have arrived and belong to a request that is not answered yet.
///
/// Bytes count as they arrive, so that a client who only announces a large body takes nothing from others.
package final class BodyBudget: Sendable {
    private let limit: Int
    private let used = Mutex(0)

    /// - Parameter limit: in bytes.
    package init(_ limit: Int) {
        self.limit = limit
    }

    /// Bytes in use, for tests and metrics.
    package var bytesInUse: Int { used.withLock { $0 } }

    fileprivate func take(_ count: Int) -> Bool {
        used.withLock { used in
            guard used + count <= limit else { return false }
            used += count
            return true
        }
    }

    fileprivate func giveBack(_ count: Int) {
        used.withLock { $0 -= count }
    }

    /// One body's share, given back when nobody holds it any more.
    package final class Share: Sendable {
        private let budget: BodyBudget
        private let bytes = Mutex(0)

        package init(of budget: BodyBudget) {
            self.budget = budget
        }

        /// Takes more bytes; `false`, and none taken, when there are not so many left.
        package func grow(by count: Int) -> Bool {
            guard budget.take(count) else { return false }
            bytes.withLock { $0 += count }
            return true
        }

        deinit {
            budget.giveBack(bytes.withLock { $0 })
        }
    }
}
