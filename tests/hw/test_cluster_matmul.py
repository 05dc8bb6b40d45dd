"""Whole matmul layers on a Cluster against docs/engine.md, section 3, written in Python."""

import random
from types import SimpleNamespace

import pytest
from amaranth.sim import Simulator

from hw.cluster import Cluster
from hw.layouts import CLUSTER_COUNTERS, LoadKind, MemoryKind
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.numeric import gelu_table, requantize
from sparsespike.contract.program import Accumulate, Descriptor, Operation, Output

GELU = gelu_table().tolist()


def ones(value):
    return bin(value).count("1")


# --- stimulus ---------------------------------------------------------------------------------


def layer_of(engine, kind, rng):
    """A random descriptor of a kind of layer."""
    groups = rng.choice([1, 2])
    steps = groups * engine.time_steps - rng.randrange(engine.time_steps)
    words = derived.words_per_line(engine)
    chunks = rng.randint(1, 3)
    fields = {
        "operation": int(Operation.MATMUL),
        "layer": 0,
        "tokens": rng.randint(2, 5),
        "groups": groups,
        "time_steps": max(steps, (groups - 1) * engine.time_steps + 1),
        "chunks": chunks,
        "source_stride": derived.ceil_div(chunks, words) * words,
        "source_base": words * rng.randrange(4),
        "tiles": engine.clusters * rng.randint(0, 2) + rng.randint(1, engine.clusters),
        "planes": engine.count_bits,
        "shift": rng.choice([0, 3, 9]),
        "pad": rng.getrandbits(32),
    }
    if kind in ("convolution", "pixel"):
        height, width = rng.choice([(1, 3), (3, 2), (3, 4)])
        fields |= {"convolution": 1, "height": height, "width": width, "tokens": height * width}
        fields |= {"pool": rng.randrange(2)}
    if kind == "pixel":
        passes = derived.pixel_passes(engine)
        fields |= {
            "pixel": 1,
            "chunks": passes,
            "source_stride": derived.ceil_div(passes, words) * words,
        }
    if kind in ("counts", "score", "head"):
        fields |= {"source_counts": 1, "planes": rng.randint(1, engine.count_bits)}
    if kind == "counts":
        fields |= {"output": int(Output.COUNT)}
    if kind in ("list", "score", "head"):
        fields |= {"use_list": 1}
    if kind == "score":
        fields |= {"output": int(Output.SCORE), "accumulate": int(Accumulate.TOKEN)}
    if kind == "head":
        fields |= {"output": int(Output.HEAD), "accumulate": int(Accumulate.ALL)}
    if engine.clusters > 3:
        split, rows = rng.choice([1, 2]), fields.get("height", 0)
        whole = (1 << split) + rng.randint(0, 5)
        if rows:
            fields |= {"height": whole}
        fields |= {"split": split, "tokens": whole * fields.get("width", 1)}
        fields |= {"tiles": fields["tiles"] >> split or 1}
    return Descriptor(**fields)


def share_of(engine, layer, index):
    """Numbers of the tiles, and positions, that a cluster computes."""
    teams = engine.clusters >> layer.split
    team, band = index % teams, index // teams
    own = range(team, layer.tiles, teams) if band < 1 << layer.split else range(0)
    rows = range(band, layer.tokens // layer.width, 1 << layer.split)
    return own, [y * layer.width + x for y in rows for x in range(layer.width)]


def tile_of(engine, layer, rng):
    """A random tile: active channels, row, masks, weights and constants of each channel."""
    neighbours = 9 if layer.convolution else 1
    words = neighbours if layer.pixel else neighbours * layer.chunks
    lanes = []
    places = list(range(rng.randint(1, derived.tile_channels(engine))))
    if derived.place_bits(engine):
        rng.shuffle(places)
    for place in places:
        density = rng.choice([0.0, 0.1, 0.5])
        masks = [
            sum(1 << s for s in range(engine.chunk) if rng.random() < density) for _ in range(words)
        ]
        limit = 1 << engine.weight_bits - 1
        lanes.append(
            SimpleNamespace(
                place=place,
                masks=masks,
                weights=[rng.randrange(-limit, limit) for _ in range(sum(map(ones, masks)))],
                bias=rng.randrange(-200, 200),
                multiplier=rng.randrange(1 << 15),
                score_weight=rng.randrange(-128, 128),
                threshold=rng.choice([rng.randrange(1, 100 << layer.time_steps), 1, 1 << 30]),
            )
        )
    scores = layer.output == Output.SCORE
    return SimpleNamespace(row=rng.randrange(100), lanes=lanes, scores=scores)


def packet(engine, tile):
    """Load bus beats of a tile: (kind or None for masks, lane, line, data, offsets)."""
    yield LoadKind.TILE, 0, 0, 0, []
    beats = []
    for number, lane in enumerate(tile.lanes):
        lines = derived.ceil_div(len(lane.weights), derived.weights_per_beat(engine))
        fields = derived.record_fields(engine)
        record = lines << fields["weight_lines"][0]
        names = ("multiplier", "score_weight") if tile.scores else ("threshold",)
        if derived.place_bits(engine):
            names = (*names, "place")
        for name in ("bias", *names):
            low, bits = fields[name]
            record |= (getattr(lane, name) & ((1 << bits) - 1)) << low
        width = engine.axi_data_bits
        for line in range(derived.record_beats(engine)):
            data = record >> line * width & ((1 << width) - 1)
            beats.append((LoadKind.RECORD, number, line, data, []))
        per_beat, bits = derived.weights_per_beat(engine), derived.weight_slot_bits(engine)
        for line in range(lines):
            data = 0
            for i, weight in enumerate(lane.weights[line * per_beat : (line + 1) * per_beat]):
                data |= (weight & ((1 << bits) - 1)) << i * bits
            beats.append((LoadKind.WEIGHT, number, line, data, []))
    side = min(engine.axi_data_bits // engine.chunk, derived.lane_pitch(engine))
    for word in range(len(tile.lanes[0].masks)):
        for first in range(0, len(tile.lanes), side):
            group = tile.lanes[first : first + side]
            data = sum(lane.masks[word] << i * engine.chunk for i, lane in enumerate(group))
            offsets = [sum(map(ones, lane.masks[:word])) for lane in group]
            beats.append((None, first, word, data, offsets))
    yield from beats


# --- the page, in Python ----------------------------------------------------------------------


def scans_of(engine, layer, tile, memory, tokens, positions):
    """(digits with shifts, mask word index, last) in walk order.

    A digit is a tuple of its bits, each a word of spikes.
    """
    steps, chunk = engine.time_steps, engine.chunk
    for n in positions:
        y, x = divmod(n, layer.width)
        for g in range(layer.groups):
            around = [(0, 0)]
            if layer.convolution:
                around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            inside = [
                (0 <= y + dy < layer.height and 0 <= x + dx < layer.width) or not layer.convolution
                for dy, dx in around
            ]
            visited = [i for i, ok in enumerate(inside) if ok or layer.pixel]
            for i in visited:
                q = tokens[n] if layer.use_list else n
                if layer.convolution:
                    q = (y + around[i][0]) * layer.width + x + around[i][1]
                for c in range(layer.chunks):
                    row = q if layer.pixel else q * layer.groups + g
                    address = layer.source_base + row * layer.source_stride + c
                    digits = []
                    if not inside[i]:
                        value = 0
                        for slot in range(4):
                            for a in range(steps):
                                bit = c * steps + a
                                on = bit < 8 and layer.pad >> 8 * slot + bit & 1
                                value |= on << slot * steps + a
                        digits = [((value,), c * steps)]
                    elif layer.source_counts:
                        word = memory.counts[address]
                        planes = []
                        for p in range(engine.count_bits):
                            bits = [
                                word >> i * engine.count_bits + p & 1 for i in range(chunk * steps)
                            ]
                            planes.append(sum(bit << i for i, bit in enumerate(bits)))
                        for p in range(0, layer.planes, engine.digit_bits):
                            digits.append((tuple(planes[p : p + engine.digit_bits]), p))
                    else:
                        digits = [((memory.spikes[address],), c * steps if layer.pixel else 0)]
                    ends = i == visited[-1] and c == layer.chunks - 1
                    if layer.accumulate != Accumulate.GROUP:
                        ends = ends and g == layer.groups - 1
                    if layer.accumulate == Accumulate.ALL:
                        ends = ends and n == positions[-1]
                    mask = i if layer.pixel else i * layer.chunks + c
                    yield digits, mask, ends


def slots_of(engine, plane):
    """Bitmap of the non-silent slots of a plane."""
    steps = engine.time_steps
    return sum(1 << s for s in range(engine.chunk) if plane >> s * steps & ((1 << steps) - 1))


class Twin:
    """Cycles, counters and rows of a cluster, event by event."""

    def __init__(self, engine, index, accepted):
        self.engine, self.index = engine, index
        self.accepted = accepted  # cycle in which each row was accepted, over all layers
        self.rows = []
        self.row_cycles = []
        self.tile_ends = []
        self.lanes = [SimpleNamespace(starts=[], finish=-1, taken=-1) for _ in range(engine.lanes)]
        self.sums = self.no_sums()
        self.last_take = -1
        self.row_end = -100

    def run(self, layer, tiles, avail, memory, tokens, go):
        """One layer; returns its counters."""
        self.counts = dict.fromkeys(CLUSTER_COUNTERS, 0)
        entered, left, busy = go, go, 0
        _, self.positions = share_of(self.engine, layer, self.index)
        for tile, first in zip(tiles, avail, strict=True):
            self.membranes, self.held = {}, {}
            walks = self.walks_of(layer)
            self.sums = self.no_sums()
            scans = scans_of(self.engine, layer, tile, memory, tokens, self.positions)
            for digits, mask, last in scans:
                entered = max(entered + 1, first)
                stands = max(entered + derived.BROADCAST_STAGES, left + 1)
                left = self.broadcast(layer, tile, digits, mask, last, stands)
                busy += left - stands + 1
                if last:
                    self.take_walk(layer, tile, *next(walks))
            self.tile_ends.append(self.last_take)
        self.counts["broadcast_idle"] = left - go - busy
        return self.counts

    def no_sums(self):
        """Sums of each channel of a tile."""
        return [[0] * self.engine.time_steps for _ in range(derived.tile_channels(self.engine))]

    def walks_of(self, layer):
        whole = layer.accumulate == Accumulate.ALL
        for n in self.positions[:1] if whole else self.positions:
            for g in range(layer.groups if layer.accumulate == Accumulate.GROUP else 1):
                yield n, g

    def broadcast(self, layer, tile, digits, mask, last, stands):
        """Emits a scan's beats; returns the cycle it leaves."""
        counts, now = self.counts, stands
        counts["chunks_scanned"] += 1
        counts["mask_words_read"] += len(tile.lanes)
        loud = [(digit, shift) for digit, shift in digits if any(digit)]
        if not loud and not last:
            counts["chunks_skipped"] += 1
            return stands
        loud = loud or [((0,), 0)]
        for i, (digit, shift) in enumerate(loud):
            final = last and i == len(loud) - 1
            slots = 0
            for plane in digit:
                slots |= slots_of(self.engine, plane)
            matches = [slots & channel.masks[mask] for channel in tile.lanes]
            lanes = range(min(len(matches), self.engine.lanes))
            enters = [k for k in lanes if any(matches[k :: self.engine.lanes]) or final]
            wish = now
            for lane in enters:
                starts = self.lanes[lane].starts
                if len(starts) >= self.engine.fifo_depth:
                    now = max(now, starts[-self.engine.fifo_depth])
            counts["broadcast_stalls"] += now - wish
            counts["chunks_broadcast"] += 1
            for lane in enters:
                own = range(lane, len(matches), self.engine.lanes)
                read = sum(self.issues(matches[v], tile.lanes[v].masks[mask]) for v in own)
                self.push(lane, read, final, now)
                for channel in range(lane, len(matches), self.engine.lanes):
                    self.add(channel, tile.lanes[channel], mask, matches[channel], digit, shift)
            now += 1
        return now - 1

    def issues(self, match, mask):
        """Weights read of a channel's word."""
        return ones(mask if match and self.engine.lane_kind == "serial" else match)

    def push(self, number, matches, last, now):
        lane = self.lanes[number]
        start = max(now + 2, lane.finish + 1)
        lane.starts.append(start)
        wish = start + max(matches, 1) - 1
        lane.finish = max(wish, lane.taken + 1) if last else wish
        self.counts["lane_output_stalls"] += lane.finish - wish
        self.counts["queue_entries"] += 1
        self.counts["weights_read"] += matches

    def add(self, channel, content, mask_index, match, digit, shift):
        steps, sums = self.engine.time_steps, self.sums[channel]
        offset = sum(ones(mask) for mask in content.masks[:mask_index])
        for slot in range(self.engine.chunk):
            if match >> slot & 1:
                index = offset + ones(content.masks[mask_index] & ((1 << slot) - 1))
                for a in range(steps):
                    value = sum((p >> slot * steps + a & 1) << bit for bit, p in enumerate(digit))
                    sums[a] += content.weights[index] * value << shift
                    self.counts["additions"] += value > 0

    def take_walk(self, layer, tile, n, g):
        """Takes of all channels for one walk, and the rows they complete."""
        head = layer.output == Output.HEAD
        spikes, value = 0, 0
        for number, content in enumerate(tile.lanes):
            lane, sums = self.lanes[number % self.engine.lanes], self.sums[number]
            take = max(lane.finish + derived.lane_latency(self.engine), self.last_take + 1)
            takes = 1 if head else len(tile.lanes)
            if number == 0 or head:
                take = max(take, self.row_end + derived.neuron_gap(self.engine, takes))
            complete = head or number == len(tile.lanes) - 1
            old = len(self.rows) - derived.ROW_CREDITS
            x = n % layer.width
            stored = not layer.pool or x % 2 == 1 or x == layer.width - 1
            if complete and stored and old >= 0:
                wish, take = take, max(take, self.accepted[old] + 1)
                self.counts["row_stalls"] += take - wish
            self.last_take = lane.taken = take
            if layer.output in (Output.SPIKE, Output.COUNT):
                fired = self.fire(layer, number, content, sums, g)
                spikes |= fired << content.place * self.engine.time_steps
            elif layer.output == Output.SCORE:
                hidden = sum(sums) + content.bias
                q = int(requantize(hidden, content.multiplier, layer.shift))
                value += GELU[q & 0xFF] * content.score_weight
                self.counts["selector_updates"] += 1
            else:
                value = sum(sums) + (0 if self.positions[0] else content.bias)
            self.sums[number] = [0] * self.engine.time_steps
            if complete:
                self.row_end = take
                if layer.pool:
                    own, spikes = spikes, spikes | (self.held[g] if x else 0)
                    self.held[g] = own if x % 2 else spikes
                    if not stored:
                        continue
                y, x = divmod(n, layer.width) if layer.convolution else (0, 0)
                row = {"position": n, "group": g, "row": tile.row}
                row |= {"y": y, "x": x} if layer.convolution else {}
                row |= {"lane": number} if head else {}
                if layer.output in (Output.SPIKE, Output.COUNT):
                    row["spikes"] = spikes
                else:
                    row["value"] = value
                self.rows.append(row)
                self.row_cycles.append(take + derived.neuron_latency(self.engine))

    def fire(self, layer, number, content, sums, g):
        steps, total = self.engine.time_steps, layer.time_steps
        currents = [value + content.bias for value in sums]
        if layer.pixel:
            currents = [sum(value << a for a, value in enumerate(sums)) + content.bias] * steps
        potential = self.membranes.get(number, 0) if g else 0
        fired = 0
        for a, current in enumerate(currents):
            t = g * steps + a + 1
            if t > total:
                continue
            self.counts["lif_updates"] += 1
            potential += current << (t - 1)
            if potential << (total - t) >= content.threshold:
                fired |= 1 << a
                potential = 0
        self.membranes[number] = potential
        self.counts["spikes_fired"] += ones(fired)
        return fired


# --- the bench --------------------------------------------------------------------------------


class Bench:
    """Loader, write-back unit and sequencer around a cluster, with random pauses."""

    def __init__(self, engine, index, layers, tiles, rng, patience):
        self.engine, self.index, self.layers, self.rng = engine, index, layers, rng
        self.patience = patience
        self.dut = Cluster(engine, index=index)
        self.tokens = [rng.randrange(6) for _ in range(engine.max_tokens)]
        self.beats = [(tile, list(packet(engine, tile))) for group in tiles for tile in group]
        self.goes, self.avail, self.accepted, self.offered, self.rows = [], [], [], [], []
        self.begun, self.free, self.fell = [], [], []
        self.counts = [dict.fromkeys(CLUSTER_COUNTERS, 0) for _ in layers]
        words = derived.words_per_line(engine)
        bits = engine.chunk * engine.time_steps
        lines = min(derived.spike_lines(engine), derived.count_lines(engine), 192 // words)

        def word(bits):
            return rng.getrandbits(bits) & rng.getrandbits(bits) if rng.random() < 0.6 else 0

        self.memory = SimpleNamespace(
            spikes=[word(bits) for _ in range(lines * words)],
            counts=[word(bits * engine.count_bits) for _ in range(lines * words)],
        )

    def run(self):
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self.bench)
        simulator.run()

    async def fill_memories(self, ctx):
        dut, engine = self.dut, self.engine
        words = derived.words_per_line(engine)
        ctx.set(dut.write.valid, 1)
        ctx.set(dut.write.enable, (1 << len(dut.write.enable)) - 1)
        for kind, content in (
            (MemoryKind.SPIKE, self.memory.spikes),
            (MemoryKind.COUNT, self.memory.counts),
        ):
            bits = engine.chunk * engine.time_steps
            bits *= engine.count_bits if kind == MemoryKind.COUNT else 1
            ctx.set(dut.write.memory, kind)
            for line in range(len(content) // words):
                part = content[line * words : (line + 1) * words]
                ctx.set(dut.write.address, line)
                ctx.set(dut.write.data, sum(word << i * bits for i, word in enumerate(part)))
                await ctx.tick()
        ctx.set(dut.write.valid, 0)

    def load(self, ctx, cycle):
        """One beat of the load bus, or a pause."""
        dut = self.dut
        for signal in (dut.load.valid, dut.load.masks.valid, dut.load.end):
            ctx.set(signal, 0)
        if not self.beats:
            return
        tile, beats = self.beats[0]
        kind, lane, line, data, offsets = beats[0]
        wait = kind == LoadKind.TILE and not ctx.get(dut.free)
        if wait or self.rng.random() >= 0.8:
            return
        bus = dut.load.masks if kind is None else dut.load
        ctx.set(bus.valid, 1)
        ctx.set(bus.lane, lane)
        ctx.set(bus.line, line)
        ctx.set(bus.data, data)
        if kind is not None:
            ctx.set(bus.kind, kind)
        ctx.set(dut.load.lanes, len(tile.lanes))
        ctx.set(dut.load.row, tile.row)
        ctx.set(dut.load.end, len(beats) == 1)
        for i, offset in enumerate(offsets):
            ctx.set(bus.offsets[i], offset)
        if kind == LoadKind.TILE:
            self.begun.append(cycle)
        beats.pop(0)
        if not beats:
            self.beats.pop(0)
            self.avail.append(cycle + 1)

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
            names = ("spikes", "value", "position", "y", "x", "group", "row", "lane")
            self.rows.append({name: ctx.get(getattr(dut.rows.p, name)) for name in names})
            self.accepted.append(cycle)

    async def bench(self, ctx):
        dut = self.dut
        await self.fill_memories(ctx)
        cycle, layer, idle, self.wait = 0, -1, 9, 0
        running = False
        while True:
            busy = ctx.get(dut.busy)
            if running and not busy:
                running, idle = False, 9 + self.rng.randrange(5)
                self.fell.append(cycle)
            if not running:
                idle -= 1
            start = not running and idle <= 0
            if start and layer + 1 == len(self.layers):
                break
            if idle == 6 and layer + 1 < len(self.layers):
                fields = vars(self.layers[layer + 1]) | {"magic": 0, "checksum": 0}
                ctx.set(dut.descriptor, fields)
            ctx.set(dut.go, start)
            if start:
                layer += 1
                self.goes.append(cycle)
                running = True
            ctx.set(dut.list_value, self.tokens[ctx.get(dut.list_index)])
            self.free.append(ctx.get(dut.free))
            self.load(ctx, cycle)
            self.write_back(ctx, cycle)
            if layer >= 0 and not start:
                for name in CLUSTER_COUNTERS:
                    self.counts[layer][name] += ctx.get(getattr(dut.increments, name))
            await ctx.tick()
            cycle += 1
            assert cycle < 60000, "the cluster hangs"
            if start:
                assert ctx.get(dut.busy), "busy from go + 1 on"


KINDS = ("linear", "convolution", "pixel", "counts", "list", "score", "head")


@pytest.mark.parametrize(
    "fields, index, patience",
    [
        ({"time_steps": 2}, 0, 0),
        ({"time_steps": 4, "chunk": 4, "lanes": 6, "clusters": 3, "fifo_depth": 1}, 1, 30),
        ({"time_steps": 3, "chunk": 16, "lanes": 3, "axi_data_bits": 128, "fifo_depth": 3}, 0, 9),
        ({"time_steps": 6, "lanes": 1, "weight_bits": 4, "clusters": 2}, 1, 3),
        ({"time_steps": 1, "lanes": 5, "weight_bits": 6}, 0, 5),
        ({"time_steps": 2, "chunk": 64, "lanes": 2}, 0, 5),
        ({"time_steps": 2, "clusters": 5}, 3, 2),
        ({"time_steps": 4, "clusters": 9, "lanes": 2}, 2, 4),
        ({"time_steps": 2, "digit_bits": 2, "count_bits": 5}, 0, 4),
        ({"time_steps": 4, "digit_bits": 2, "chunk": 16, "lanes": 6, "fifo_depth": 1}, 0, 0),
        ({"time_steps": 1, "digit_bits": 2, "chunk": 32, "count_bits": 6, "clusters": 3}, 1, 9),
        ({"time_steps": 2, "lane_channels": 2}, 0, 6),
        ({"time_steps": 2, "lane_kind": "serial", "lane_channels": 1, "lanes": 1}, 0, 0),
        ({"time_steps": 4, "lane_kind": "serial", "digit_bits": 2, "lanes": 3}, 0, 5),
        ({"time_steps": 3, "lane_channels": 2, "lanes": 3, "clusters": 4, "fifo_depth": 2}, 1, 0),
    ],
)
def test_layers_follow_the_page(fields, index, patience):
    sizes = {"mask_depth": 40, "weight_depth": 1024, "spike_depth": 256, "count_depth": 256}
    engine = load_engine("micro", **(sizes | {"count_bits": 3, "max_tokens": 16} | fields))
    rng = random.Random(f"{fields}")
    layers = [layer_of(engine, kind, rng) for kind in rng.sample(KINDS, len(KINDS))]
    layers = [layer for layer in layers if len(share_of(engine, layer, index)[0])]
    tiles = [
        [tile_of(engine, layer, rng) for _ in share_of(engine, layer, index)[0]] for layer in layers
    ]
    bench = Bench(engine, index, layers, tiles, rng, patience)
    bench.run()

    twin = Twin(engine, index, bench.accepted)
    avail = iter(bench.avail)
    for number, (layer, group) in enumerate(zip(layers, tiles, strict=True)):
        ready = [next(avail) for _ in group]
        counts = twin.run(layer, group, ready, bench.memory, bench.tokens, bench.goes[number])
        assert bench.counts[number] == counts, layer
        assert bench.fell[number] == bench.accepted[len(twin.rows) - 1] + 1
    assert len(bench.rows) == len(twin.rows)
    for number, (seen, expected) in enumerate(zip(bench.rows, twin.rows, strict=True)):
        assert {name: seen[name] for name in expected} == expected
        before = bench.accepted[number - 1] + 1 if number else 0
        assert bench.offered[number] == max(twin.row_cycles[number], before)
    for cycle, free in enumerate(bench.free):
        begun = sum(1 for start in bench.begun if start < cycle)
        ended = sum(1 for end in twin.tile_ends if end < cycle)
        assert free == (begun - ended < 2), cycle
