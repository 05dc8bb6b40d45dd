"""Amaranth hardware: the sparse spike engine, its parts and the Verilog export."""
