"""The folder an FPGA engineer takes into their own flow: RTL, registers, scripts, signal names."""
