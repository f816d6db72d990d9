"""The identity network on one GPU: what to pack here, and what runs there with PyTorch and Pillow alone."""
