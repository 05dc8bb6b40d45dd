"""The command line: the only package that may import every other one."""
