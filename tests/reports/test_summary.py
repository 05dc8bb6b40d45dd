"""Summary of a run, against values worked out by hand."""

import numpy as np
import pytest

from reports.energy import event_prices
from reports.summary import counter_frame, summarize
from reports.technology import load_technology
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS

ENGINE = load_engine("small")
TABLE = load_technology("horowitz-45nm")


def _counters():
    counters = np.zeros((2, 3, len(COUNTERS)), dtype=np.int64)
    counters[0, 0, COUNTERS.index("weights_read")] = 320
    counters[1, 2, COUNTERS.index("weights_read")] = 640
    return counters


def test_summary_by_hand():
    cycles = np.array([[100, 200, 300], [100, 250, 350]], dtype=np.int64)
    summary = summarize(["a", "b", "c"], cycles, _counters(), engine=ENGINE, technology=TABLE)
    assert summary.images == 2
    assert summary.cycles_per_image == 650
    assert summary.fps == pytest.approx(100e6 / 650)
    assert summary.utilization == pytest.approx(960 / (4 * 8 * 1300))
    price = event_prices(ENGINE, TABLE)["weights_read"]
    assert summary.energy_per_image_joule == pytest.approx(960 * price * 1e-12 / 2)


def test_counter_frame_keeps_every_number_in_its_row():
    counters = np.arange(2 * 3 * len(COUNTERS)).reshape(2, 3, -1)
    frame = counter_frame(["a", "b", "c"], counters)
    assert len(frame) == 3 * len(COUNTERS)
    row = frame[(frame["layer"] == "b") & (frame["counter"] == COUNTERS[5])]
    assert row["count"].item() == counters[0, 1, 5] + counters[1, 1, 5]
