package import ImplicitALS

/// Who runs the batch: what the setting `als.engine` names.
package enum BatchEngine: Sendable, Hashable, RawRepresentable, CaseIterable {
    /// The service itself, with this solver; named as the solver is.
    case service(Solver)
    /// `deploy/spark/als.py`, for ratings that outgrow one machine: the service trains nothing, folds new ratings into the
    /// versions that Spark publishes and serves them.
    case spark

    package static var allCases: [BatchEngine] { Solver.allCases.map(BatchEngine.service) + [.spark] }

    package init?(rawValue: String) {
        if rawValue == "spark" {
            self = .spark
        } else if let solver = Solver(rawValue: rawValue) {
            self = .service(solver)
        } else {
            return nil
        }
    }

    package var rawValue: String {
        switch self {
        case .service(let solver): solver.rawValue
        case .spark: "spark"
        }
    }

    /// How the service would solve, were it to train.
    var solver: Solver {
        switch self {
        case .service(let solver): solver
        case .spark: .cholesky
        }
    }
}
