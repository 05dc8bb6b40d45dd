# ruff: noqa: D103
"""What the RTL's nets did against its counters: port enables are equal to them, not close."""

from dataclasses import replace

import pytest

from cocotb_tests.activity import ENGINE, RELATIONS, measure
from cocotb_tests.case import prepare
from model.random_network import random_images
from model.zoo import load_integer
from reports.event_bits import event_bits
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine


@pytest.fixture(scope="module")
def measured():
    network = load_integer("tiny")
    program = compile_network(network, load_engine("micro"))
    return measure(prepare(network, program, random_images(network.config, 1, seed=3)))


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.means)
def test_counters_are_what_the_nets_did(measured, relation):
    assert measured.high_cycles(relation) == measured.counted(relation) > 0


WIDTHS = {
    "weights_read": "lane_0/memory/weight_memory/memory",
    "mask_words_read": "lane_0/memory/mask_memory_0/memory",
    "queue_entries": "lane_0/queue/store",
    "chunks_scanned": "broadcaster/store/spike_memory/memory",
}


@pytest.mark.parametrize("counter, path", WIDTHS.items())
def test_an_event_is_priced_at_the_width_of_its_port(measured, counter, path):
    widths = {memory.scope: memory.width for memory in measured.memories}
    width = widths[f"{ENGINE}/core/cluster_0/body/{path}"]
    assert event_bits(load_engine("micro"))[counter] == width


def test_a_wrong_counter_is_seen(measured):
    relation = RELATIONS[0]
    counters = measured.counters | {relation.counters[0]: measured.counted(relation) + 1}
    wrong = replace(measured, counters=counters)
    assert wrong.high_cycles(relation) != wrong.counted(relation)


def test_every_instance_has_nets_in_the_file(measured):
    """A renamed scope would silently drop its toggles from every table."""
    assert len(measured.modules) > 50
    assert measured.modules.keys() <= measured.activity.scopes.keys()


def test_registers_change_and_memories_are_used(measured):
    assert sum(nets.toggles for nets in measured.toggles if nets.driver == "register") > 10_000
    assert all(memory.width > 0 for memory in measured.memories)
    assert sum(memory.bits_written for memory in measured.memories) > 0
