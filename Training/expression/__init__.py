"""Training of the mood and expression network: 48 x 48 grey face in; FER+ and FER probabilities and a 16-d expression out."""
