"""Measurements: run with `python -m bench.<name>`, printed for people to read."""
