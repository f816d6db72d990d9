import Foundation
import ImplicitALS

/// Ratings as shape.py writes them: three 64-bit integers (users, items, ratings), then 64-bit row offsets, 32-bit columns and
/// 32-bit values, all little-endian.
struct RatingsDump {
    let rows: SparseRows
    let items: Int

    /// Maps the file instead of reading it, so that the ratings are in memory once.
    init(path: String) throws {
        let data = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
        (rows, items) = data.withUnsafeBytes { bytes in
            let head = (0..<3).map { Int(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
            let (users, ratings) = (head[0], head[2])
            let columns = 24 + (users + 1) * 8
            let values = columns + ratings * 4
            var builder = SparseRows.Builder(capacity: ratings)
            var position = 0
            for user in 0..<users {
                let end = Int(bytes.loadUnaligned(fromByteOffset: 24 + (user + 1) * 8, as: Int64.self))
                while position < end {
                    builder.append(
                        row: user,
                        column: Int(bytes.loadUnaligned(fromByteOffset: columns + position * 4, as: Int32.self)),
                        value: bytes.loadUnaligned(fromByteOffset: values + position * 4, as: Float.self))
                    position += 1
                }
            }
            return (builder.build(rows: users), head[1])
        }
    }
}
