/// Which messages the broker has yet to confirm on one channel, and what it has said of them so far.
///
/// A value without I/O: the publishing thread tells it what was sent and what came back, and gets told who may be told.
struct Confirms<Waiter> {
    private struct Entry {
        var messageID: String
        var waiter: Waiter
        var isReturned = false
    }

    private var entries: [UInt64: Entry] = [:]
    private var tags: [String: UInt64] = [:]
    /// Everything below is settled: where a confirm of many starts to look.
    private var oldest: UInt64 = 1
    private var next: UInt64 = 1

    var isEmpty: Bool { entries.isEmpty }

    /// A message is about to be sent. The broker numbers them from 1, in this order.
    mutating func sent(_ messageID: String, waiter: Waiter) {
        entries[next] = Entry(messageID: messageID, waiter: waiter)
        tags[messageID] = next
        next += 1
    }

    /// No queue took a message; the broker says so before it confirms it.
    mutating func returned(_ messageID: String) {
        guard let tag = tags[messageID] else { return }
        entries[tag]?.isReturned = true
    }

    /// The broker confirmed or refused a message, or all messages up to it.
    ///
    /// - Returns: the waiters that now know, oldest first. What is confirmed twice, or was never sent, is nobody's.
    mutating func confirmed(
        _ tag: UInt64, multiple: Bool, accepted: Bool
    ) -> [(waiter: Waiter, result: Result<Void, BrokerError>)] {
        guard tag < next else { return [] }
        let range = multiple ? min(oldest, tag)...tag : tag...tag
        var settled: [(waiter: Waiter, result: Result<Void, BrokerError>)] = []
        for tag in range {
            guard let entry = entries.removeValue(forKey: tag) else { continue }
            tags[entry.messageID] = nil
            let result: Result<Void, BrokerError> =
                entry.isReturned ? .failure(.unroutable) : accepted ? .success(()) : .failure(.full)
            settled.append((entry.waiter, result))
        }
        while oldest < next, entries[oldest] == nil { oldest += 1 }
        return settled
    }

    /// Everybody who still waits, oldest first.
    var waiting: [Waiter] {
        entries.sorted { $0.key < $1.key }.map(\.value.waiter)
    }
}
