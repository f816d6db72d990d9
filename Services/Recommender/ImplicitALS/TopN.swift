internal import CFactors
package import Processor

/// An item and how much a user is predicted to like it.
package struct RankedItem: Sendable, Hashable {
    package var item: Int
    /// The product of the two vectors: about 0...1.
    package var score: Float

    package init(item: Int, score: Float) {
        self.item = item
        self.score = score
    }

    /// Higher scores come first, and of equal ones the lower item.
    static func precedes(_ left: RankedItem, _ right: RankedItem) -> Bool {
        left.score != right.score ? left.score > right.score : left.item < right.item
    }
}

/// The `limit` best of what was offered, best first, with ties in the order of their items.
struct BestItems {
    private(set) var items: [RankedItem] = []
    private let limit: Int

    /// What a score must reach to matter; scores only ever need to be compared with this.
    private(set) var threshold = -Float.infinity

    init(limit: Int) {
        self.limit = limit
        items.reserveCapacity(limit + 1)
    }

    /// Items must come in ascending order: then one that only equals the last score is behind it.
    mutating func offer(_ item: Int, _ score: Float) {
        guard limit > 0, items.count < limit || score > threshold else { return }
        var position = items.count
        while position > 0, items[position - 1].score < score { position -= 1 }
        items.insert(RankedItem(item: item, score: score), at: position)
        if items.count > limit { items.removeLast() }
        if items.count == limit { threshold = items[limit - 1].score }
    }
}

/// The best items for many users at once.
package struct TopN: Sendable {
    /// How many items each user gets at most.
    package let limit: Int
    private let items: [Int32]
    private let scores: [Float]

    /// The best items of one user, best first; fewer than `limit` when there are no more unseen ones.
    package subscript(user: Int) -> [RankedItem] {
        (user * limit..<(user + 1) * limit).prefix { items[$0] >= 0 }.map {
            RankedItem(item: Int(items[$0]), score: scores[$0])
        }
    }

    /// Ranks all items for all users, leaving out what each has in a row of any of `seen`, four at most, on `threads` threads.
    ///
    /// A user whose vector is zero gets nothing: there is nothing to tell items apart by. The order is exact, by score and
    /// then by item, and doesn't depend on the threads.
    package init(
        users: Factors, items: Factors, seen: [SparseRows], limit: Int, threads: Int, instructions: Instructions = .best
    ) {
        precondition(users.rank == items.rank && seen.count <= Int(FACTORS_SEEN_LISTS))
        precondition(seen.allSatisfy { $0.count == users.count }, "one row a user")
        self.limit = limit
        let packed = AlignedNumbers(count: factors_packed_size(items.count, items.width))
        items.withUnsafePointer { factors_pack($0, items.count, items.width, packed.start) }
        var bestItems = [Int32](repeating: -1, count: users.count * limit)
        var bestScores = [Float](repeating: 0, count: users.count * limit)
        bestItems.withUnsafeMutableBufferPointer { bestItems in
            bestScores.withUnsafeMutableBufferPointer { bestScores in
                users.withUnsafePointer { vectors in
                    Self.withSeen(seen[...], []) { seen in
                        var ranking = factors_ranking(
                            users: vectors, packed_items: packed.start, item_count: items.count, width: items.width,
                            seen: seen.baseAddress, seen_count: seen.count, limit: limit,
                            best_items: bestItems.baseAddress, best_scores: bestScores.baseAddress)
                        withUnsafePointer(to: &ranking) { ranking in
                            let block = Int(FACTORS_RANKED_USERS)
                            withThreads(threads, chunks: (users.count + block - 1) / block) { queue in
                                while let chunk = queue.next() {
                                    let first = chunk * block
                                    factors_rank(
                                        instructions.kernel, ranking, first, min(block, users.count - first))
                                }
                            }
                        }
                    }
                }
            }
        }
        withExtendedLifetime(packed) {}
        self.items = bestItems
        self.scores = bestScores
    }

    /// Calls `body` with where each list's offsets and columns are.
    private static func withSeen(
        _ lists: ArraySlice<SparseRows>, _ addresses: [factors_seen],
        _ body: (UnsafeBufferPointer<factors_seen>) -> Void
    ) {
        guard let list = lists.first else { return addresses.withUnsafeBufferPointer(body) }
        list.offsets.withUnsafeBufferPointer { offsets in
            list.columns.withUnsafeBufferPointer { columns in
                let address = factors_seen(offsets: offsets.baseAddress, columns: columns.baseAddress)
                withSeen(lists.dropFirst(), addresses + [address], body)
            }
        }
    }
}
