/// Who enjoyed what how much, r > 0, both ways.
package struct Ratings: Sendable {
    /// One row a user, items as columns.
    package let byUser: SparseRows
    /// One row an item, users as columns.
    package let byItem: SparseRows

    package var users: Int { byUser.count }
    package var items: Int { byItem.count }
    /// How many ratings there are.
    package var count: Int { byUser.columns.count }

    /// Ratings of `items` items; every value must be above zero.
    package init(byUser: SparseRows, items: Int, threads: Int = 1) {
        self.byUser = byUser
        byItem = byUser.transposed(columns: items, threads: threads)
    }
}
