"""Attention layers on a Cluster against the sentences of docs/engine.md, section 4, in Python."""

import itertools
import random

import pytest
from amaranth.sim import Simulator

from hw.cluster import Cluster
from hw.layouts import CLUSTER_COUNTERS, MemoryKind
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import Descriptor, Operation


def layer_of(engine, rng, heads):
    words = derived.words_per_line(engine)
    head_words = words * rng.choice([1, 2])
    groups = rng.choice([1, 2])
    stored = 3 * heads * head_words
    return Descriptor(
        operation=int(Operation.ATTENTION),
        layer=0,
        tokens=rng.randint(1, 4),
        groups=groups,
        time_steps=(groups - 1) * engine.time_steps + rng.randint(1, engine.time_steps),
        source_base=words * rng.randrange(3),
        source_stride=stored + words * rng.randrange(2),
        key_offset=heads * head_words,
        value_offset=2 * heads * head_words,
        heads=heads,
        head_words=head_words,
        use_list=rng.randrange(2),
        threshold=rng.choice([1, 2]),
    )


class Twin:
    """Cycles, counters and rows of a cluster's heads; its rows were accepted in `accepted`."""

    def __init__(self, engine, index, words, tokens, accepted):
        self.engine, self.index, self.words, self.tokens = engine, index, words, tokens
        self.accepted = accepted
        self.rows, self.row_cycles = [], []
        self.last_take = self.row_end = -100

    def run(self, layer, go):
        self.counts = dict.fromkeys(CLUSTER_COUNTERS, 0)
        self.layer = layer
        now = go + 1
        for head in range(self.index, layer.heads, self.engine.attention_units):
            counters = {}
            now += derived.ATTENTION_HEAD
            places = 1 << (self.engine.time_steps - 1).bit_length()
            now += layer.groups * layer.head_words * self.engine.chunk * places
            for n in range(layer.tokens):
                for g in range(layer.groups):
                    now = self.key_visit(counters, head, n, g, now)
            now += derived.ATTENTION_HEAD
            self.membranes = {}
            for n in range(layer.tokens):
                for g in range(layer.groups):
                    now = self.query_visit(counters, head, n, g, now)
        return self.counts

    def slots(self, head, n, g, offset):
        """Slots of a head's words, a list of steps each."""
        layer, steps = self.layer, self.engine.time_steps
        q = self.tokens[n] if layer.use_list else n
        first = layer.source_base + (q * layer.groups + g) * layer.source_stride + offset
        slots = []
        for word in self.words[first + head * layer.head_words :][: layer.head_words]:
            for slot in range(self.engine.chunk):
                slots.append([word >> slot * steps + a & 1 for a in range(steps)])
        self.counts["attention_words_read"] += layer.head_words
        return slots

    def key_visit(self, counters, head, n, g, visit):
        keys = self.slots(head, n, g, self.layer.key_offset)
        values = self.slots(head, n, g, self.layer.value_offset)
        for i, j in itertools.product(range(len(keys)), range(len(values))):
            for a, bit in enumerate(values[j]):
                counters[g, i, j, a] = counters.get((g, i, j, a), 0) + (bit & keys[i][a])
        spikes = sum(map(sum, keys))
        self.counts["attention_updates"] += spikes
        return visit + 2 * self.layer.head_words + derived.ATTENTION_READ + spikes

    def query_visit(self, counters, head, n, g, visit):
        layer, engine = self.layer, self.engine
        queries = self.slots(head, n, g, 0)
        fired = sum(map(sum, queries))
        self.counts["attention_accumulates"] += fired
        ready = visit + layer.head_words + derived.ATTENTION_READ + fired
        ready += derived.ATTENTION_DRAIN
        pitch = derived.lane_pitch(engine)
        spikes = 0
        for j in range(len(queries)):
            currents = [
                sum(queries[i][a] * counters[g, i, j, a] for i in range(len(queries)))
                for a in range(engine.time_steps)
            ]
            take = max(ready + j, self.last_take + 1)
            if j % pitch == 0:
                take = max(take, self.row_end + derived.neuron_gap(engine, pitch))
                spikes = 0
            old = len(self.rows) - derived.ROW_CREDITS
            if j % pitch == pitch - 1 and old >= 0:
                wish, take = take, max(take, self.accepted[old] + 1)
                self.counts["row_stalls"] += take - wish
            self.last_take = take
            spikes |= self.fire(j, g, currents) << j % pitch * engine.time_steps
            if j % pitch == pitch - 1:
                self.row_end = take
                row = head * len(queries) // pitch + j // pitch
                self.rows.append({"position": n, "group": g, "row": row, "spikes": spikes})
                self.row_cycles.append(take + derived.neuron_latency(engine))
        return self.last_take + 1

    def fire(self, j, g, currents):
        steps, total = self.engine.time_steps, self.layer.time_steps
        potential = self.membranes.get(j, 0) if g else 0
        fired = 0
        for a, current in enumerate(currents):
            t = g * steps + a + 1
            if t > total:
                continue
            self.counts["lif_updates"] += 1
            potential += current << (t - 1)
            if potential << (total - t) >= self.layer.threshold << total:
                fired |= 1 << a
                potential = 0
        self.membranes[j] = potential
        self.counts["spikes_fired"] += bin(fired).count("1")
        return fired


class Bench:
    """Sequencer and write-back unit around a cluster, with random pauses."""

    def __init__(self, engine, index, layers, rng, patience):
        self.engine, self.layers, self.rng, self.patience = engine, layers, rng, patience
        self.dut = Cluster(engine, index=index)
        self.tokens = [rng.randrange(5) for _ in range(engine.max_tokens)]
        bits = engine.chunk * engine.time_steps
        self.words = [
            rng.getrandbits(bits) if rng.random() < 0.7 else 0 for _ in range(engine.spike_depth)
        ]
        self.goes, self.accepted, self.offered, self.rows, self.fell = [], [], [], [], []
        self.counts = [dict.fromkeys(CLUSTER_COUNTERS, 0) for _ in layers]

    def run(self):
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self.bench)
        simulator.run()

    async def fill_memory(self, ctx):
        dut = self.dut
        per_line = derived.words_per_line(self.engine)
        bits = self.engine.chunk * self.engine.time_steps
        ctx.set(dut.write.valid, 1)
        ctx.set(dut.write.memory, MemoryKind.SPIKE)
        for line in range(len(self.words) // per_line):
            for unit in range(len(dut.write.enable)):
                width = per_line * bits // len(dut.write.enable)
                part = self.words[line * per_line : (line + 1) * per_line]
                data = sum(word << i * bits for i, word in enumerate(part))
                mask = (1 << width) - 1 << unit * width
                noise = self.rng.getrandbits(per_line * bits) & ~mask
                ctx.set(dut.write.address, line)
                ctx.set(dut.write.enable, 1 << unit)
                ctx.set(dut.write.data, data & mask | noise)
                await ctx.tick()
        ctx.set(dut.write.valid, 0)

    def write_back(self, ctx, cycle):
        dut = self.dut
        valid = ctx.get(dut.rows.valid)
        if valid and len(self.offered) == len(self.accepted):
            self.offered.append(cycle)
            self.wait = self.rng.randrange(self.patience + 1)
        accept = valid and self.wait == 0
        self.wait = max(0, self.wait - 1)
        ctx.set(dut.rows.ready, accept)
        if accept:
            names = ("spikes", "position", "group", "row")
            self.rows.append({name: ctx.get(getattr(dut.rows.p, name)) for name in names})
            self.accepted.append(cycle)

    async def bench(self, ctx):
        dut = self.dut
        await self.fill_memory(ctx)
        cycle, self.wait = 0, 0
        for number, layer in enumerate(self.layers):
            threshold = layer.threshold << layer.time_steps
            fields = vars(layer) | {"magic": 0, "checksum": 0, "threshold": threshold}
            ctx.set(dut.descriptor, fields)
            for _ in range(derived.DESCRIPTOR_CYCLES - 2):
                await ctx.tick()
                cycle += 1
            ctx.set(dut.go, 1)
            self.goes.append(cycle)
            settle = 3
            while settle:
                ctx.set(dut.list_value, self.tokens[ctx.get(dut.list_index)])
                self.write_back(ctx, cycle)
                await ctx.tick()
                cycle += 1
                assert cycle < 20000, "the cluster hangs"
                ctx.set(dut.go, 0)
                if not ctx.get(dut.busy):
                    if settle == 3:
                        self.fell.append(cycle)
                    settle -= 1
                for name in CLUSTER_COUNTERS:
                    self.counts[number][name] += ctx.get(getattr(dut.increments, name))


@pytest.mark.parametrize(
    "fields, index, patience",
    [
        ({"time_steps": 2}, 0, 0),
        ({"time_steps": 3, "clusters": 3, "attention_units": 2}, 1, 40),
        ({"time_steps": 1, "chunk": 4, "lanes": 8, "lane_channels": 1, "head_slots": 16}, 0, 12),
        ({"time_steps": 6, "chunk": 8, "lanes": 1}, 0, 2),
    ],
)
def test_attention_follows_the_page(fields, index, patience):
    sizes = {"head_slots": 16, "attention_depth": 32, "max_tokens": 16}
    sizes |= {"spike_depth": 400, "count_depth": 16, "mask_depth": 8, "weight_depth": 16}
    engine = load_engine("micro", **(sizes | fields))
    rng = random.Random(f"{fields}")
    layers = [layer_of(engine, rng, heads) for heads in (2, 3, 4)]
    bench = Bench(engine, index, layers, rng, patience)
    bench.run()

    twin = Twin(engine, index, bench.words, bench.tokens, bench.accepted)
    for number, layer in enumerate(layers):
        assert bench.counts[number] == twin.run(layer, bench.goes[number])
        assert bench.fell[number] == bench.accepted[len(twin.rows) - 1] + 1
    assert bench.rows == twin.rows
    for number, offered in enumerate(bench.offered):
        before = bench.accepted[number - 1] + 1 if number else 0
        assert offered == max(twin.row_cycles[number], before)
    assert sum(counts["spikes_fired"] for counts in bench.counts)


def test_a_cluster_without_a_head_stays_idle():
    engine = load_engine("micro", clusters=2, attention_units=2, max_tokens=16)
    layer = layer_of(engine, random.Random(1), 1)
    dut = Cluster(engine, index=1)

    async def bench(ctx):
        ctx.set(dut.descriptor, vars(layer) | {"magic": 0, "checksum": 0})
        ctx.set(dut.go, 1)
        for _ in range(3):
            await ctx.tick()
            ctx.set(dut.go, 0)
            assert not ctx.get(dut.busy)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
