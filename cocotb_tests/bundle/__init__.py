"""The testbench that goes with an engine's bundle; runs without the rest of this project."""
