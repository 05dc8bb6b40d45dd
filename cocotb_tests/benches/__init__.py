"""The simulator's side: cocotb tests that drive a testbench and write what they saw to files."""
