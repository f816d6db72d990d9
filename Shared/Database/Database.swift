// Placeholder until the first commit of Database.
