internal import LinearAlgebra

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

    mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        threshold = -.infinity
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
    /// Users whose scores are one product.
    private static let blockUsers = 64
    /// Items whose scores are one product: 64 × 4096 scores stay in the second-level cache.
    private static let blockItems = 4096

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

    /// Ranks all items for all users, leaving out what each has in a row of any of `seen`, on `threads` threads.
    ///
    /// A user whose vector is zero gets nothing: there is nothing to tell items apart by. The order is exact, by score and
    /// then by item, and doesn't depend on the threads.
    package init(users: Factors, items: Factors, seen: [SparseRows], limit: Int, threads: Int) {
        self.limit = limit
        let (userCount, itemCount, width) = (users.count, items.count, users.width)
        var bestItems = [Int32](repeating: -1, count: userCount * limit)
        var bestScores = [Float](repeating: 0, count: userCount * limit)
        let blocks = (userCount + Self.blockUsers - 1) / Self.blockUsers
        OpenBLAS.use(threads: 1)
        bestItems.withUnsafeMutableBufferPointer { bestItems in
            bestScores.withUnsafeMutableBufferPointer { bestScores in
                users.withUnsafePointer { userStart in
                    items.withUnsafePointer { itemStart in
                        withThreads(threads, chunks: blocks) { queue in
                            var products = [Float](repeating: 0, count: Self.blockUsers * Self.blockItems)
                            var best = (0..<Self.blockUsers).map { _ in BestItems(limit: limit) }
                            while let block = queue.next() {
                                let firstUser = block * Self.blockUsers
                                let blockUsers = min(Self.blockUsers, userCount - firstUser)
                                for index in 0..<blockUsers { best[index].removeAll() }
                                for firstItem in stride(from: 0, to: itemCount, by: Self.blockItems) {
                                    let blockItems = min(Self.blockItems, itemCount - firstItem)
                                    products.withUnsafeMutableBufferPointer { products in
                                        guard let products = products.baseAddress else { return }
                                        BLAS.multiply(
                                            userStart + firstUser * width, rows: blockUsers,
                                            by: itemStart + firstItem * width, columns: blockItems, rank: width,
                                            into: products)
                                        for index in 0..<blockUsers {
                                            let row = UnsafeMutableBufferPointer(
                                                start: products + index * blockItems, count: blockItems)
                                            for rows in seen {
                                                Self.mask(row, rows, row: firstUser + index, firstItem: firstItem)
                                            }
                                            Self.select(row, firstItem: firstItem, into: &best[index])
                                        }
                                    }
                                }
                                for index in 0..<blockUsers {
                                    let user = firstUser + index
                                    let vector = UnsafeBufferPointer(start: userStart + user * width, count: width)
                                    guard vector.contains(where: { $0 != 0 }) else { continue }
                                    for (place, ranked) in best[index].items.enumerated() {
                                        bestItems[user * limit + place] = Int32(ranked.item)
                                        bestScores[user * limit + place] = ranked.score
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        self.items = bestItems
        self.scores = bestScores
    }

    /// Marks what the user has seen among the scores of the items from `firstItem` on.
    private static func mask(
        _ scores: UnsafeMutableBufferPointer<Float>, _ seen: SparseRows, row: Int, firstItem: Int
    ) {
        let range = seen.range(of: row)
        seen.columns.withUnsafeBufferPointer { columns in
            var position = columns[range].partition(atLeast: Int32(firstItem))
            while position < range.upperBound, Int(columns[position]) < firstItem + scores.count {
                scores[Int(columns[position]) - firstItem] = -.infinity
                position += 1
            }
        }
    }

    /// Offers every unmasked score; most are ruled out sixteen at a time.
    private static func select(
        _ scores: UnsafeMutableBufferPointer<Float>, firstItem: Int, into best: inout BestItems
    ) {
        guard let start = scores.baseAddress else { return }
        var index = 0
        let raw = UnsafeRawPointer(start)
        while index + 16 <= scores.count {
            let sixteen = raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
            if sixteen.max() > best.threshold {
                for lane in index..<index + 16 where scores[lane] > best.threshold {
                    best.offer(firstItem + lane, scores[lane])
                }
            }
            index += 16
        }
        while index < scores.count {
            if scores[index] > best.threshold { best.offer(firstItem + index, scores[index]) }
            index += 1
        }
    }
}

extension Slice<UnsafeBufferPointer<Int32>> {
    /// The first position of an ascending range whose value is at least `bound`.
    fileprivate func partition(atLeast bound: Int32) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < bound { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
