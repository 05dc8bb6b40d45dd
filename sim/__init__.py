"""Cycle-level simulator of the sparse spike processing engine, exact to the RTL's cycle."""

from sim.result import SimulationResult
from sim.simulate import simulate

__all__ = ["SimulationResult", "simulate"]
