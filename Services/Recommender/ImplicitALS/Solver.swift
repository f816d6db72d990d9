/// How a half-step solves each row's normal equations.
package enum Solver: String, Sendable, Hashable, Codable, CaseIterable {
    /// Conjugate gradients from the row's last solution, preconditioned by what all rows share, until the row's loss is provably
    /// within 0.01 % of its minimum (or sixteen steps are done), each at a cost of ratings · rank; rows with so many ratings that
    /// a matrix pays off exactly.
    case conjugateGradient = "conjugate-gradient"
    /// Every row exactly, by Cholesky factorisation, at a cost of ratings · rank².
    case cholesky
}
