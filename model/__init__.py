"""The network in PyTorch: float training, pruning, quantisation and the integer golden model."""
