"""Training of the mood and expression network: a 48 x 48 grey face to probabilities and a 16-d expression."""
