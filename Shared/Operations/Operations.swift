// Placeholder until the first commit of Operations.
