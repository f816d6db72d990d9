/// How a half-step solves each row's normal equations.
package enum Solver: String, Sendable, Hashable, Codable, CaseIterable {
    /// Three steps of conjugate gradients from the row's last solution, each at a cost of ratings · rank; rows with so many
    /// ratings that a matrix pays off exactly. Its loss comes within 0.1 % of the exact solver's.
    case conjugateGradient = "conjugate-gradient"
    /// Every row exactly, by Cholesky factorisation, at a cost of ratings · rank².
    case cholesky
}
