"""From the engine's Verilog to an FPGA: resources with Yosys, Fmax with nextpnr."""
