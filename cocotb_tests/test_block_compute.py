# ruff: noqa: D103
"""Blocks that compute, alone in RTL, against NumPy and the contract's own arithmetic."""

import random
from itertools import product

import numpy as np
import pytest

from cocotb_tests.block_run import Lookup, Plan, Probe, Sink, Source, const, run_block
from hw import layouts
from hw.attention_unit import WORD_DELAY, AttentionUnit
from hw.cluster_layouts import (
    beat_layout,
    lane_masks_layout,
    lane_sums_layout,
    scan_layout,
    sums_layout,
)
from hw.lane_unit import LaneUnit
from hw.membrane_pipeline import MembranePipeline
from hw.top_k import TopK
from hw.write_back import WriteBack
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.numeric import lif_integer, pool_size, topk_keep
from sparsespike.contract.program import Operation, Output


def _sums(engine, bits):
    value = sums_layout(engine).from_bits(bits)
    return [int(value[step]) for step in range(engine.time_steps)]


def _load(engine, weights):
    """Pokes that put `weights` into lane 0's weight memory, one beat a cycle."""
    per_beat, bits = derived.weights_per_beat(engine), derived.weight_slot_bits(engine)
    pokes = {}
    for line in range(derived.ceil_div(len(weights), per_beat)):
        part = weights[line * per_beat : (line + 1) * per_beat]
        data = sum((w & ((1 << bits) - 1)) << i * bits for i, w in enumerate(part))
        fields = {"valid": 1, "kind": layouts.LoadKind.WEIGHT, "line": line, "data": data}
        pokes[2 + line] = {"load": const(layouts.load_bus(engine), fields)}
    pokes[3 + line] = {"load": 0}
    return pokes


@pytest.mark.parametrize(
    "fields",
    [{}, {"time_steps": 1, "chunk": 4, "fifo_depth": 1}, {"weight_bits": 4, "time_steps": 3},
     {"chunk": 32, "fifo_depth": 3, "axi_data_bits": 128, "weight_bits": 6},
     {"digit_bits": 2}, {"digit_bits": 2, "chunk": 8, "time_steps": 1, "weight_bits": 4},
     {"lane_channels": 2}, {"lane_channels": 2, "digit_bits": 2, "chunk": 8, "fifo_depth": 2}],
)  # fmt: skip
def test_lane_unit(block_simulator, fields):
    """Sums of random walks: digits, pixels' shifts, empty ends, late takers."""
    engine = load_engine("small", **fields)
    width = engine.digit_bits
    rng = random.Random(str(fields))
    limit = (1 << engine.weight_bits - 1) - 1
    words, weights = [], []
    for _ in range(12):
        mask = rng.getrandbits(engine.chunk) & rng.getrandbits(engine.chunk)
        words.append((mask, len(weights)))
        weights += [rng.randint(-limit, limit) for _ in range(mask.bit_count())]
    items, expected = [], []
    for _ in range(40):
        sums = [[0] * engine.time_steps for _ in range(engine.lane_channels)]
        for step in reversed(range(rng.randint(1, 6))):
            spikes = [
                rng.getrandbits(engine.chunk) & rng.getrandbits(engine.chunk)
                for _ in range(engine.time_steps * width)
            ]
            own = [rng.choice(words) for _ in sums]
            shift = rng.randrange(0, 5, 2) if width == 2 else rng.randrange(8)
            loud = 0
            for bits in spikes:
                loud |= bits
            matches = [loud & mask for mask, _ in own]
            if not any(matches) and step:
                continue
            for channel, slot in product(range(len(own)), range(engine.chunk)):
                if matches[channel] >> slot & 1:
                    mask, offset = own[channel]
                    weight = weights[offset + (mask & (1 << slot) - 1).bit_count()]
                    for place, bits in enumerate(spikes):
                        a, bit = divmod(place, width)
                        sums[channel][a] += (weight << shift + bit) * (bits >> slot & 1)
            beat = {"spikes": spikes, "shift": shift, "last": int(step == 0)}
            entries = [{"mask": mask, "offset": offset} for mask, offset in own]
            match = sum(bits << i * engine.chunk for i, bits in enumerate(matches))
            masks = const(lane_masks_layout(engine), entries)
            items.append([const(beat_layout(engine), beat), match, masks])
        expected.append(sums)
    pokes = _load(engine, weights)
    plan = Plan(
        pokes=pokes,
        sources={
            "entry": Source(
                valid="push",
                full="full",
                data=["beat", "matches", "words"],
                items=items,
                stalls=0.5,
            )
        },
        sinks={
            "sums": Sink(valid="valid", ready="take", data=["sums"], stalls=0.7, after_valid=True)
        },
        start=max(pokes) + 2,
        drain=1000,
    )
    events = run_block(LaneUnit(engine, lane=0), plan, simulator=block_simulator)
    found = [lane_sums_layout(engine).from_bits(row[1]) for row in events.sinks["sums"]]
    assert [[[int(x) for x in own] for own in sums] for sums in found] == expected


@pytest.mark.parametrize(("steps", "adders"), [(4, 4), (8, 4), (3, 4), (4, 1), (8, 3), (16, 8)])
def test_membrane_pipeline(block_simulator, steps, adders):
    """Integrate and fire over groups of steps, membranes kept between them."""
    engine = load_engine("small", time_steps=adders, membrane_bits=44)
    rng = np.random.default_rng(steps * adders)
    slots = derived.lane_pitch(engine)
    currents = rng.integers(-300, 400, (steps, 6, slots))
    threshold = rng.integers(-50, 400 << steps, (6, slots))
    groups = derived.ceil_div(steps, adders)
    pokes, wanted, cycle = {}, {}, 3
    for token in range(6):
        expected = lif_integer(currents[:, token], threshold[token])
        for group in range(groups):
            for slot in range(slots):
                own = range(group * adders, min(steps, (group + 1) * adders))
                shifted = [int(currents[t, token, slot]) << steps - 1 for t in own]
                shifted += [0] * (adders - len(own))
                pokes.setdefault(cycle, {})["slot"] = slot
                pokes.setdefault(cycle + 1, {}).update(
                    valid=1,
                    fresh=int(group == 0),
                    steps=(1 << len(own)) - 1,
                    threshold=int(threshold[token, slot]) & ((1 << engine.membrane_bits + 1) - 1),
                    currents=_pack(shifted, engine.membrane_bits),
                )
                fired = [int(expected[t, slot]) << i for i, t in enumerate(own)]
                wanted[cycle + adders + 1] = sum(fired)
                cycle += 1
            cycle += derived.neuron_gap(engine, slots) - 1
    plan = Plan(
        pokes=pokes,
        probes={"spikes": Probe(valid="", data=["spikes"])},
        limit=cycle + adders + 6,
        stop="rst",
    )
    events = run_block(MembranePipeline(engine), plan, simulator=block_simulator)
    seen = dict(events.probes["spikes"])
    assert {at: seen[at] for at in wanted} == wanted


def _pack(values, bits):
    return sum((value & ((1 << bits) - 1)) << i * bits for i, value in enumerate(values))


@pytest.mark.parametrize(("tokens", "keep", "use_list"), [(37, 20, 1), (64, 64, 0), (9, 1, 1)])
def test_top_k(block_simulator, tokens, keep, use_list):
    rng = random.Random(tokens)
    scores = [rng.randrange(-6, 6) for _ in range(tokens)]
    old = sorted(rng.sample(range(64), tokens))
    plan = Plan(
        levels={"tokens": tokens, "keep": keep, "use_list": use_list},
        pokes={3: {"start": 1}, 4: {"start": 0}},
        lookups={
            "scores": Lookup(
                address="score_position",
                data="score_value",
                latency=1,
                table={i: score & 0xFFFFFFFF for i, score in enumerate(scores)},
            ),
            "list": Lookup(
                address="list_index", data="list_value", latency=0, table=dict(enumerate(old))
            ),
        },
        probes={
            "keep": Probe(valid="write__valid", data=["write__index", "write__value"]),
            "done": Probe(valid="done", data=[]),
        },
        stop="done",
    )
    events = run_block(TopK(load_engine("small")), plan, simulator=block_simulator)
    kept = topk_keep(np.array(scores), keep).tolist()
    wanted = [[i, old[n] if use_list else n] for i, n in enumerate(kept)]
    assert [row[1:] for row in events.probes["keep"]] == wanted
    assert events.probes["done"] == [[3 + derived.topk_cycles(tokens)]]


@pytest.mark.parametrize(("words", "groups", "density"), [(1, 1, 0.3), (2, 2, 0.1), (1, 2, 0.9)])
def test_attention_unit(block_simulator, words, groups, density):
    """Q (K^T V) of several heads over a token list, however late the outputs are taken."""
    engine = load_engine("micro", max_tokens=16, head_slots=16, attention_depth=64)
    rng = np.random.default_rng(words * 10 + groups)
    tokens, heads, adders = 7, 3, engine.time_steps
    slots = words * engine.chunk
    listed = sorted(random.Random(1).sample(range(16), tokens))
    shape = (3, 16, groups, heads, slots, adders)
    spikes = (rng.random(shape) < density).astype(np.int64)
    scan, table = scan_layout(engine), {}
    for part, position, group, head, word in np.ndindex(3, 16, groups, heads, words):
        bits = spikes[part, position, group, head, word * engine.chunk : (word + 1) * engine.chunk]
        chunk = (part * heads + head) * words + word
        key = const(scan, {"position": position, "group": group, "chunk": chunk})
        table[key] = int("".join(map(str, bits.reshape(-1)[::-1])), 2)
    descriptor = {
        "operation": int(Operation.ATTENTION), "tokens": tokens, "groups": groups,
        "time_steps": groups * adders, "heads": heads, "head_words": words, "use_list": 1,
        "key_offset": heads * words, "value_offset": 2 * heads * words,
    }  # fmt: skip
    plan = Plan(
        levels={"descriptor": const(layouts.descriptor_layout(), descriptor)},
        pokes={3: {"go": 1}, 4: {"go": 0}},
        lookups={
            "list": Lookup(
                address="token", data="stored", latency=0, table=dict(enumerate(listed))
            ),
            "words": Lookup(
                address="o__payload",
                data="spikes",
                latency=WORD_DELAY,
                table=table,
                mask=const(scan, {"position": -1, "group": -1, "chunk": -1}),
            ),
        },
        sinks={
            "sums": Sink(valid="ready", ready="take", data=["sums"], stalls=0.4, after_valid=True)
        },
        limit=12_000,
        stop="rst",
    )
    events = run_block(AttentionUnit(engine), plan, simulator=block_simulator)
    query, key, value = spikes[:, listed]
    counters = np.einsum("nghia,nghja->ghija", key, value)
    wanted = np.einsum("nghia,ghija->hngja", query, counters)
    seen = [_sums(engine, row[1]) for row in events.sinks["sums"]]
    assert seen == wanted.reshape(-1, adders).tolist()


@pytest.mark.parametrize(("height", "width", "groups"), [(7, 5, 1), (4, 6, 2), (1, 1, 1)])
def test_write_back_pools(block_simulator, height, width, groups):
    """Merged rows of two clusters, pooled as they are stored: the memory ends as the OR."""
    engine = load_engine("small", clusters=2, attention_units=1, lanes=8)
    rng = np.random.default_rng(height)
    pitch, adders, base, stored = derived.lane_pitch(engine), engine.time_steps, 32, 2
    spikes = (rng.random((height, width, groups, stored, pitch, adders)) < 0.3).astype(np.int64)
    sources = {}
    for cluster in range(2):
        items = []
        for y, x, group in np.ndindex(height, width, groups):
            if x % 2 == 0 and x != width - 1:
                continue  # held in the cluster until the next one
            bits = spikes[y, max(x // 2 * 2 - 1, 0) : x + 1, group, cluster].max(0).reshape(-1)
            row = {
                "spikes": int("".join(map(str, bits[::-1])), 2), "position": y * width + x,
                "y": y, "x": x, "group": group, "row": cluster,
                "twice": int(y % 2 == 1 and y != height - 1),
            }  # fmt: skip
            items.append([const(layouts.row_layout(engine), row)])
        sources[str(cluster)] = Source(
            valid=f"rows__{cluster}__valid", ready=f"rows__{cluster}__ready",
            data=[f"rows__{cluster}__payload"], items=items, stalls=0.4,
        )  # fmt: skip
    descriptor = {
        "operation": int(Operation.MATMUL), "output": int(Output.SPIKE), "pool": 1,
        "convolution": 1, "tokens": height * width, "groups": groups, "height": height,
        "width": width, "time_steps": groups * adders, "destination_base": base,
        "destination_rows": stored,
    }  # fmt: skip
    plan = Plan(
        levels={"descriptor": const(layouts.descriptor_layout(), descriptor)},
        pokes={0: {"first_cycle": 1}, 1: {"first_cycle": 0}},
        sources=sources,
        probes={"rows": Probe(valid="trace__valid",
                              data=["trace__memory", "trace__address", "trace__data"])},
    )  # fmt: skip
    events = run_block(WriteBack(engine), plan, simulator=block_simulator)
    memory = {address: data for _, kind, address, data in events.probes["rows"] if kind == 0}
    tall, wide = pool_size(height), pool_size(width)
    wanted = {}
    for py, px, group, row in np.ndindex(tall, wide, groups, stored):
        window = spikes[max(2 * py - 1, 0) : 2 * py + 2, max(2 * px - 1, 0) : 2 * px + 2]
        bits = window[:, :, group, row].max((0, 1)).reshape(-1)
        address = base + ((py * wide + px) * groups + group) * stored + row
        wanted[address] = int("".join(map(str, bits[::-1])), 2)
    assert memory == wanted
