"""The engine on an FPGA board: a UART bridge to its registers and to a block RAM memory."""
