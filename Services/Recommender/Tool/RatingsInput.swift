import ArgumentParser
import Foundation

/// The file of ratings that a command works on.
struct RatingsInput: ParsableArguments {
    @Argument(help: "A file of user,item,count,time lines, or - for standard input.") var file: String
    @Option(
        help: """
            Which columns hold what, by their names in the first line or by number, such as \
            user=userId,item=movieId,count=rating,time=timestamp; by default found by the names that are common.
            """,
        transform: { try RatingsColumns($0) })
    var columns: RatingsColumns?

    /// What such a file may look like.
    static let discussion = """
        The file is UTF-8, with columns divided by commas, semicolons, tabs or ::. Its first line may name them (userId, \
        movieId, rating, timestamp and the like); otherwise they are user, item, count and time, the last two of which may \
        be missing. Lines about the same user and item are summed.
        """

    func read() throws -> RatingsFile {
        try RatingsFile(path: file, columns: columns)
    }
}
