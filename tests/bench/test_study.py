"""The study's sentences against tables whose answers are known."""

import json

import pandas as pd
import pytest

from bench.study import page
from bench.study_devices import DEVICES, scale_notes, scales
from bench.study_findings import promise, steps, surprises
from reports.explore.space import Space
from reports.resources import estimate
from sparsespike.contract.config import load_engine

SPACE = Space.model_validate(
    {
        "name": "hand",
        "objectives": ["fps", "energy_uj", "lut", "accuracy_drop"],
        "engine": {"lanes": [4, 8], "chunk": [8, 16], "memory_interval": [1, 4]},
    }
)


@pytest.fixture(autouse=True)
def one_model(monkeypatch):
    """Only `xc7` has a resource model, whatever was fitted since."""
    monkeypatch.setattr("bench.study_devices.tables", lambda: {"xc7": {}})


@pytest.fixture
def table():
    """Twice the lanes are 1.5 times as fast, wider chunks slower, and memory does not matter."""
    rows = []
    for lanes in (4, 8):
        for chunk in (8, 16):
            for interval in (1, 4):
                fps = 100 * (1.5 if lanes == 8 else 1) * (0.8 if chunk == 16 else 1)
                rows.append(
                    {
                        "point": len(rows), "lanes": lanes, "chunk": chunk,
                        "memory_interval": interval, "fps": fps, "energy_uj": 1e4 / fps,
                        "lut": 1000.0 * lanes + chunk, "accuracy_drop": 0.0, "feasible": True,
                        "pareto": chunk == 8,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def test_steps_pair_points_that_differ_in_one_knob(table):
    found = {step.knob.label: step for step in steps(SPACE, table)}
    assert {name: len(step.pairs) for name, step in found.items()} == dict.fromkeys(found, 4)
    assert found["lanes"].ratios("fps").tolist() == [1.5] * 4
    assert found["memory_interval"].ratios("fps").tolist() == [1.0] * 4
    promised = {name: promise(step) for name, step in found.items()}
    assert promised == {"lanes": 2.0, "chunk": 2.0, "memory_interval": 0.25}


def test_refused_points_are_in_no_pair(table):
    table.loc[table["lanes"] == 8, "feasible"] = False
    assert "lanes" not in {step.knob.label for step in steps(SPACE, table)}


def test_what_surprises_is_what_the_table_says(table):
    text = "\n".join(surprises(SPACE, table, 2.0))
    assert "| lanes | 4 → 8 | × 2.00 | × 1.50 | × 1.50 | × 1.50 | 4 | 0% |" in text
    assert "`chunk` keeps least of its promise: 8 → 16 gives -20%" in text
    assert "`lanes`, 4 → 8, keeps most, 50%" in text
    assert "`chunk` 8 → 16 makes 100% of the pairs slower, by up to 20%" in text
    assert "No point of the front has `chunk` 16." in text
    assert "is also the most frugal" in text


def test_a_device_without_a_model_takes_the_factor_of_a_synthesis(tmp_path):
    small = load_engine("small")
    own = estimate(small, "xc7")
    known = scales([])
    assert "ecp5-85k" not in known
    assert any("nothing is known" in note for note in scale_notes(known))
    measured = {"target": "ecp5-85k", "lut": 2 * own.lut, "bram": 3 * own.bram}
    file = tmp_path / "synth.json"
    file.write_text(json.dumps({**measured, "meta": {"config_hash": small.hash}}))
    known = scales([file])
    micro = load_engine("micro")
    size = known["ecp5-85k"].size(micro)
    assert size.lut == pytest.approx(2 * estimate(micro, "xc7").lut)
    assert size.bram == pytest.approx(3 * estimate(micro, "xc7").bram)
    assert any("2.00 times the LUTs and 3.00 times" in note for note in scale_notes(known))
    file.write_text(json.dumps({**measured, "meta": {"config_hash": micro.hash}}))
    with pytest.raises(ValueError, match="not a synthesis of engine small"):
        scales([file])


def test_the_page_names_every_device(table):
    text = page(SPACE, table, {"verified": []}, scales([]))
    for device in DEVICES:
        assert device.name in text
    assert "| ECP5-85F | speed | not known |" in text
    assert "# Artix-7 200T, point 4\n" in text
