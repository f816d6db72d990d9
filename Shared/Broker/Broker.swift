// Placeholder until the first commit of Broker.
