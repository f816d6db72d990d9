/// Why the engine could not compute.
package enum EngineError: Error, Equatable, CustomStringConvertible {
    /// A row's normal equations have no Cholesky factor, which a regularisation above zero rules out for finite ratings.
    case notPositiveDefinite
    /// A parameter outside its range; the text says which and what is allowed.
    case parameter(String)
    /// No ratings above zero to learn from.
    case noRatings
    /// Nobody has ratings that could be held back, so there is nothing to measure by.
    case nobodyHeldBack
    /// The system gave no thread; the number is its errno.
    case noThread(Int32)

    package var description: String {
        switch self {
        case .notPositiveDefinite: "The normal equations are not positive definite; raise lambda."
        case .parameter(let text): text
        case .noRatings: "There are no ratings above zero to learn from."
        case .nobodyHeldBack:
            """
            Nobody has a rating that can be held back, so nothing can be measured: that takes five items a user (a random \
            fifth), two (the last one), or users in the second file that the first one has too.
            """
        case .noThread(let number): "The system gave no thread (errno \(number))."
        }
    }
}
