"""Everything that follows from an EngineConfig: widths, depths, and the pipeline depths.

This is the one place where the simulator and the RTL read how many cycles a block takes;
docs/engine.md states the same numbers as sentences. A *row* is what one tile of lanes writes for
one token and step group, a *word* is one broadcast chunk, a *line* is one memory word that holds
whole rows and whole chunk words, a *unit* is the smallest part a write can enable.
"""

from __future__ import annotations

from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTERS

BURST_BEATS = 32
"""Longest AXI read burst, beats."""
OUTSTANDING_BURSTS = 2
"""Read bursts in flight."""
BROADCAST_STAGES = 7
"""Cycles from the address generator to the broadcast register."""
LOAD_LATENCY = 5
"""Cycles from a tile's last beat to the first cycle its walk may begin."""
FREE_LATENCY = 2
"""Cycles from a tile's last take to the first cycle in which the loader sees its half free."""
HEADER_CYCLES = 2
"""Cycles for which a tile's header keeps the loader."""
LANE_LATENCY = {"matching": 7, "serial": 5}
"""Cycles from the issue of a token's last match to its sums in the output register, by kind."""
ROW_CREDITS = 2
"""Rows a cluster may have between its neuron unit and the end of their write-back."""
DRAIN_CYCLES = 3
"""Cycles from the last write-back operation of a layer to the next phase."""
DESCRIPTOR_CYCLES = 8
"""Cycles from the last descriptor beat's read to the go pulse at the clusters."""
ATTENTION_READ = 3
"""Cycles from an attention unit's last word request to its first counter row."""
ATTENTION_DRAIN = 6
"""Cycles from the last counter row to the first output handed to the neuron unit."""
ATTENTION_HEAD = 3
"""Cycles between the K^T V walk and the Q walk, and before each head."""
TOPK_WIDTH = 8
"""Scores ranked side by side by the top-k unit."""
COUNTER_CYCLES = len(COUNTERS)
"""Epilogue of a layer: one counter a cycle goes to the counter memory."""
DESCRIPTOR_BYTES = 64
PAGE_BYTES = 4096
"""AXI bursts end at multiples of this (AMBA AXI specification, A3.4.1)."""
NIBBLE_BITS = 4
"""Mask bits that one presence bit of the weight stream is for."""
MAX_TIME_STEPS = 16
"""Steps whose scaled membranes the engine's widths allow."""
MAX_SPLIT = 3
"""A layer's positions are split into at most 2**MAX_SPLIT bands."""
PIXEL_BITS = 8
PIXEL_BYTES = 4
"""Bytes of a pixel in memory: up to four channels, byte c is channel c."""
_SCORE_BITS = (15, 8)
"""Bits of a selector's multiplier and of its score weight, which stand in a threshold's place."""


def ceil_div(value: int, divisor: int) -> int:
    """Smallest integer >= value / divisor."""
    return -(-value // divisor)


def tile_channels(engine: EngineConfig) -> int:
    """Output channels of a whole tile; channel v is computed by lane v % lanes."""
    return engine.lanes * engine.lane_channels


def lane_pitch(engine: EngineConfig) -> int:
    """Channel slots of a row: those of a tile rounded up to a power of two."""
    return 1 << (tile_channels(engine) - 1).bit_length()


def line_slots(engine: EngineConfig) -> int:
    """Channel slots of a memory line: whole rows and whole chunk words."""
    return max(engine.chunk, lane_pitch(engine))


def unit_slots(engine: EngineConfig) -> int:
    """Channel slots of a write-enable unit."""
    return min(engine.chunk, lane_pitch(engine))


def words_per_line(engine: EngineConfig) -> int:
    """Chunk words of a memory line."""
    return line_slots(engine) // engine.chunk


def rows_per_line(engine: EngineConfig) -> int:
    """Rows of a memory line."""
    return line_slots(engine) // lane_pitch(engine)


def spike_lines(engine: EngineConfig) -> int:
    """Depth of the spike memory in lines."""
    return ceil_div(engine.spike_depth, words_per_line(engine))


def count_lines(engine: EngineConfig) -> int:
    """Depth of the count memory in lines."""
    return ceil_div(engine.count_depth, words_per_line(engine))


def memory_parts(depth: int) -> tuple[int, ...]:
    """Depths of the memories that an activation memory of `depth` lines is made of.

    Block RAMs are deep and narrow or shallow and wide. A memory of 8,192 + 2,048 lines takes no
    more of them in two parts than in five of 2,048, but a choice of two words instead of five. No
    block RAM is shallower than 512 lines, so that a smaller part gains nothing.
    """
    low = 1 << (depth.bit_length() - 1)
    return (low, depth - low) if depth - low >= 512 else (depth,)


def lane_latency(engine: EngineConfig) -> int:
    """Cycles from a walk's final issue to its sums."""
    return LANE_LATENCY[engine.lane_kind]


def weight_slot_bits(engine: EngineConfig) -> int:
    """Bits one weight takes in the weight stream: 4 for 4-bit weights, else 8."""
    return 4 if engine.weight_bits == 4 else 8


def weights_per_beat(engine: EngineConfig) -> int:
    """Weights of one beat of the weight stream."""
    return engine.axi_data_bits // weight_slot_bits(engine)


def mask_lanes(engine: EngineConfig) -> int:
    """Channels whose mask words stand side by side in a mask line: at most a beat of them."""
    return min(lane_pitch(engine), engine.axi_data_bits // engine.chunk)


def mask_groups(engine: EngineConfig, channels: int) -> int:
    """Mask lines that hold a word of each of `channels` channels."""
    return ceil_div(channels, mask_lanes(engine))


def line_nibbles(engine: EngineConfig) -> int:
    """Nibbles of a mask line, a power of two; a beat has room for at least as many."""
    return mask_lanes(engine) * engine.chunk // NIBBLE_BITS


def beat_nibbles(engine: EngineConfig) -> int:
    """Nibbles of a beat of the weight stream."""
    return engine.axi_data_bits // NIBBLE_BITS


def lines_per_presence(engine: EngineConfig) -> int:
    """Mask lines that one beat of presence bits is for."""
    return engine.axi_data_bits // line_nibbles(engine)


def half_words(words: int) -> int:
    """Places of a half of a tile memory: a power of two, so that the half is an address bit."""
    return 1 << (words - 1).bit_length()


def weight_lines(engine: EngineConfig) -> int:
    """Beats of weights one half of a lane's weight memory holds."""
    return ceil_div(engine.weight_depth, weights_per_beat(engine))


def record_fields(engine: EngineConfig) -> dict[str, tuple[int, int]]:
    """Constants of a channel in the weight stream; name: (lowest bit, bits).

    Signed but for threshold, multiplier, weight_lines and place, the channel's slot in its row,
    which only lanes of several channels need. A selector has no threshold. The lines stand in the
    record's last beat.
    """
    multiplier, weight = _SCORE_BITS
    low, widest = engine.accumulator_bits, max(engine.membrane_bits - 1, multiplier + weight)
    lines, place = weight_lines(engine).bit_length(), place_bits(engine)
    end = record_bits(engine)
    return {
        "bias": (0, engine.accumulator_bits),
        "threshold": (low, widest),
        "multiplier": (low, multiplier),
        "score_weight": (low + multiplier, weight),
        **({"place": (end - lines - place, place)} if place else {}),
        "weight_lines": (end - lines, lines),
    }


def place_bits(engine: EngineConfig) -> int:
    """Bits of a channel's place in its row, 0 if it is that of its lane."""
    return (lane_pitch(engine) - 1).bit_length() if engine.lane_channels > 1 else 0


def record_bits(engine: EngineConfig) -> int:
    """Bits of a channel's constants in the weight stream: 64 if they fit, else 128."""
    widest = max(engine.membrane_bits - 1, sum(_SCORE_BITS))
    bits = engine.accumulator_bits + widest + weight_lines(engine).bit_length() + place_bits(engine)
    return 64 if bits <= 64 else 128


def records_per_beat(engine: EngineConfig) -> int:
    """Channels whose constants a beat holds."""
    return max(1, engine.axi_data_bits // record_bits(engine))


def record_beats(engine: EngineConfig) -> int:
    """Beats of a channel's constants, where a beat holds no more than one's."""
    return max(1, record_bits(engine) // engine.axi_data_bits)


def constants_beats(engine: EngineConfig, channels: int) -> int:
    """Beats of the constants of a tile of `channels` channels."""
    return ceil_div(channels, records_per_beat(engine)) * record_beats(engine)


def descriptor_beats(engine: EngineConfig) -> int:
    """Beats of a descriptor."""
    return DESCRIPTOR_BYTES * 8 // engine.axi_data_bits


def burst_sizes(engine: EngineConfig, address: int, beats: int) -> list[int]:
    """Beats of the bursts that read `beats` beats from byte `address` on."""
    width = engine.axi_data_bits // 8
    sizes: list[int] = []
    while beats:
        size = min(BURST_BEATS, beats, (PAGE_BYTES - address % PAGE_BYTES) // width)
        sizes.append(size)
        address, beats = address + size * width, beats - size
    return sizes


def pixel_passes(engine: EngineConfig) -> int:
    """Walks of the first layer: bit-planes of a pixel over adders."""
    return ceil_div(PIXEL_BITS, engine.time_steps)


def pixels_per_beat(engine: EngineConfig) -> int:
    """Pixels of an AXI beat."""
    return engine.axi_data_bits // (8 * PIXEL_BYTES)


def logits_per_beat(engine: EngineConfig) -> int:
    """32-bit logits of an AXI beat."""
    return engine.axi_data_bits // 32


def count_digits(engine: EngineConfig) -> int:
    """Digits of a residual count: beats a word of counts makes at most."""
    return ceil_div(engine.count_bits, engine.digit_bits)


def write_slots(engine: EngineConfig) -> int:
    """Period of the write-back schedule: cluster k acts in cycles t with t mod period == k."""
    return max(4, engine.clusters)


def attention_slots(engine: EngineConfig) -> int:
    """The same period in attention layers, where only clusters with an attention unit act."""
    return max(4, engine.attention_units)


def teams(engine: EngineConfig, split: int) -> int:
    """Teams of 2**split clusters, one for each band, that share the tiles of a layer."""
    return engine.clusters >> split


def team_place(engine: EngineConfig, cluster: int, split: int) -> tuple[int, int] | None:
    """(team, band) of a cluster in a layer of 2**split bands; None for one that is left over."""
    count = teams(engine, split)
    return (cluster % count, cluster // count) if cluster < count << split else None


def team_clusters(engine: EngineConfig, team: int, split: int) -> range:
    """Clusters of a team, in the order of their bands."""
    count = teams(engine, split)
    return range(team, count << split, count)


def band_positions(tokens: int, width: int, band: int, split: int) -> list[int]:
    """Positions of a band: every 2**split-th row of a map of `width` columns, from row `band` on.

    A layer that is no convolution has width 1: every 2**split-th position.
    """
    return [n for n in range(tokens) if n // width % (1 << split) == band]


def neuron_latency(engine: EngineConfig) -> int:
    """Cycles from a lane's take to its result in the row queue."""
    return max(engine.time_steps, 4) + 6


def neuron_gap(engine: EngineConfig, takes: int) -> int:
    """Cycles from a row's last take to the next row's first, for rows of `takes` channels.

    The membrane a take leaves behind is written `time_steps` + 2 cycles later.
    """
    return max(1, engine.time_steps + 3 - takes)


def step_groups(engine: EngineConfig, time_steps: int) -> int:
    """Groups of steps a network of `time_steps` steps needs."""
    return ceil_div(time_steps, engine.time_steps)


def most_groups(engine: EngineConfig) -> int:
    """Step groups of the longest network."""
    return step_groups(engine, MAX_TIME_STEPS)


def step_places(engine: EngineConfig) -> int:
    """Steps of a group, rounded up to a power of two."""
    return 1 << (engine.time_steps - 1).bit_length()


def attention_clear(engine: EngineConfig, *, groups: int, head_words: int) -> int:
    """Cycles in which the counter rows of a head are cleared."""
    return groups * head_words * engine.chunk * step_places(engine)


def topk_cycles(tokens: int) -> int:
    """Cycles of the top-k unit over `tokens` scores."""
    return ceil_div(tokens, TOPK_WIDTH) * (TOPK_WIDTH + tokens + 1) + tokens + 2


def topk_comparisons(tokens: int) -> int:
    """Score pairs the top-k unit compares."""
    return ceil_div(tokens, TOPK_WIDTH) * TOPK_WIDTH * tokens


def logit_cycles(engine: EngineConfig, classes: int) -> int:
    """Cycles from the head's drain to the write response, with the deterministic memory."""
    beats = ceil_div(classes, logits_per_beat(engine))
    return beats * (logits_per_beat(engine) + 1) + engine.memory_latency + 1
