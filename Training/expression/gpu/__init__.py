"""Training of the mood network on a GPU in minutes: an ensemble of teachers, and students that learn from them."""
