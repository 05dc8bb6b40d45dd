"""cocotb testbenches: blocks, and whole networks against golden model and simulator."""
