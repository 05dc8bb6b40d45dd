"""Formal proofs of the engine's queues and handshakes: harnesses, and what proves them."""
