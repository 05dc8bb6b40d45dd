"""The figures a point is judged by: their units, which way is better, how they are written."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One figure of a design point; `label` has its unit, `digits` are decimals to show."""

    name: str
    label: str
    maximize: bool = False
    digits: int = 0

    def sign(self) -> float:
        """What to multiply the figure by so that less is better."""
        return -1.0 if self.maximize else 1.0


METRICS = {
    metric.name: metric
    for metric in (
        Metric("fps", "frames/s", maximize=True, digits=1),
        Metric("latency_ms", "latency, ms", digits=3),
        Metric("energy_uj", "energy a frame, µJ", digits=2),
        Metric("lut", "LUT"),
        Metric("ff", "flip-flops"),
        Metric("bram", "block RAM", digits=1),
        Metric("dsp", "DSP"),
        Metric("accuracy_drop", "accuracy drop, points", digits=1),
    )
}
"""Every figure that can be an objective or a limit, by name."""
