// Placeholder until the first commit of ModelManifest.
