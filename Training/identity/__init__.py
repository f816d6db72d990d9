"""Identity network: 512 values a face, distilled from a public face-recognition network."""
