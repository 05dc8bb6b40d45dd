"""Cycle attribution: every cluster cycle has exactly one cause."""

from dataclasses import replace

import pytest

from model import zoo
from reports.cycles import CAUSES, cycle_causes, lane_use
from reports.measure import Run, measure
from reports.peers import peer_table
from reports.roofline import bus_bytes, peak_additions
from reports.summary import counter_frame
from reports.technology import load_technology
from sim import simulate
from sparsespike.cli.inputs import load_images
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

ENGINE = load_engine("micro", clusters=3)
IMAGES = 2


@pytest.fixture(scope="module")
def run():
    network = zoo.load_integer("tiny")
    pixels = load_images(None, IMAGES, network.config).images
    result = simulate(compile_network(network, ENGINE), pixels)
    return Run("tiny", network.config, ENGINE, result.layers, result.cycles, result.counters)


@pytest.fixture(scope="module")
def measured(run):
    return measure(run, load_technology("horowitz-45nm"))


def test_causes_sum_to_all_cluster_cycles(run):
    causes = cycle_causes(counter_frame(run.layers, run.counters), ENGINE, images=IMAGES)
    assert set(causes["cause"]) == set(CAUSES)
    assert (causes["cluster_cycles"] >= 0).all()
    sums = causes.groupby("layer", sort=False)["cluster_cycles"].sum()
    expected = run.cycles.sum(axis=0) * ENGINE.clusters
    assert sums.loc[list(run.layers)].tolist() == expected.tolist()


def test_lanes_are_never_more_than_busy(run):
    use = lane_use(counter_frame(run.layers, run.counters), ENGINE)
    assert ((use["busy"] + use["held"]) <= 1).all()
    assert use["busy"].max() > 0.1


def test_no_layer_is_above_its_roof(measured):
    points = measured.roofline
    assert (points["additions_per_cycle"] <= peak_additions(ENGINE)).all()
    assert (points["share_of_roof"] <= 1).all()
    assert bus_bytes(ENGINE) == 8


def test_tables_agree_on_the_total(measured):
    for table in (measured.energy, measured.components, measured.layers, measured.entries):
        assert table["energy_pj"].sum() * 1e-12 == pytest.approx(measured.joule, rel=1e-12)
    assert measured.layers["cycles"].sum() == measured.run.cycles.sum() / IMAGES
    additions = measured.layers["additions_per_image"].sum()
    assert additions == pytest.approx(measured.throughput.effective_sops, rel=1e-12)
    assert (measured.entries["source"].str.len() > 20).all()


def test_power_and_efficiency_fit_together(measured):
    speed = measured.throughput
    assert speed.watt == pytest.approx(speed.dynamic_watt + speed.static_watt)
    assert speed.watt / speed.fps == pytest.approx(measured.joule)
    assert speed.effective_gsops_per_watt == pytest.approx(speed.effective_gsops / speed.watt)
    assert speed.fps * speed.latency_ms == pytest.approx(1000)


def test_peers_are_scaled_and_every_figure_has_a_mark(measured):
    peers = peer_table(measured).set_index("system")
    assert set(peers["fps_mark"]) | set(peers["millijoule_mark"]) <= set("VAND")
    assert (peers["caveat"].str.len() > 5).all()
    assert peers.at["FireFly-T", "scaled_fps"] == pytest.approx(406, abs=1)
    assert peers.at["FireFly-T", "scaled_millijoule"] == pytest.approx(10.7, abs=0.05)
    assert peers.at["ExSpike", "scaled_millijoule"] == pytest.approx(27, abs=0.1)
    assert peers.at["FireFly-T", "scaled_mark"] == "D"
    assert peers.at["Prosperity", "scaled_millijoule"] == 3.42
    assert peers.at["Prosperity", "scaled_mark"] == ""


def test_every_derived_peer_figure_shows_how(measured):
    peers = peer_table(measured)
    derived = (peers["fps_mark"] == "D") | (peers["millijoule_mark"] == "D")
    assert (peers.loc[derived, "formula"].str.len() > 20).all()
    assert (peers.loc[peers["scaled_mark"] == "D", "scaled_formula"].str.len() > 20).all()
    assert (peers.loc[peers["scaled_mark"] == "", "scaled_formula"] == "").all()


PROSPERITY_ARTEFACT = [
    # system, mW on chip, DRAM accesses relative to Prosperity's (simulator/energy.py)
    ("Prosperity", 446.5, 1.00),
    ("MINT (in Prosperity's artefact)", 396.3, 3.12),
    ("SATO (in Prosperity's artefact)", 319.5, 4.85),
    ("PTB (in Prosperity's artefact)", 982.0, 2.53),
    ("Eyeriss (in Prosperity's artefact)", 1410.5, 5.47),
]


@pytest.mark.parametrize("system, milliwatt, accesses", PROSPERITY_ARTEFACT)
def test_the_artefacts_energies_follow_from_its_formula(measured, system, milliwatt, accesses):
    """mW on chip / frames/s + 12.45 pJ x 140,574,720 DRAM bits (reference/mem_reference.csv)."""
    row = peer_table(measured).set_index("system").loc[system]
    dram = 12.45e-9 * 140_574_720 * accesses
    assert row["millijoule"] == pytest.approx(milliwatt / row["fps"] + dram, rel=3e-3)


def test_our_row_shows_static_apart_and_carries_the_note(measured):
    ours = peer_table(replace(measured, run=replace(measured.run, note="a random ticket"))).iloc[0]
    assert ours["caveat"].startswith("a random ticket; ")
    static = measured.static
    assert ours["static_millijoule"] == pytest.approx(static.joule * 1e3)
    assert ours["millijoule"] == pytest.approx(
        ours["dynamic_millijoule"] + ours["static_millijoule"]
    )
