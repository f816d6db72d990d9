// Placeholder until the first commit of LinearAlgebra.
