"""Numba: the cycle-level simulator of the engine and its activity counters."""
