"""Resources of an engine: each distinct module synthesised once, kept for later, summed up."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hw.flow.counting import Count, count_cells
from hw.flow.modules import VerilogModule, distinct_modules, tree_counts
from hw.flow.targets import Target
from hw.flow.yosys import run_yosys, yosys_version
from hw.generate import TOP
from sparsespike.contract.files import write_atomically

DEFAULT_CACHE = Path("build") / "synth"
BLOCKS = (
    "registers",
    "front",
    "sequencer",
    "counters",
    "tokens",
    "write_back",
    "scores",
    "top_k",
    "logits",
    "writer",
    "tiles",
    "broadcaster",
    "lane",
    "neuron",
    "attention",
)
"""Parts of the engine that are counted as one; the rest is `wiring`."""
_MEMORIES = ("sparsespike_memory", "sparsespike_narrow_memory", "sparsespike_register_file")
_BATCH = 6
"""Modules synthesised between two savings."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A part of the engine: how often it is there, and what all of them take together.

    `memories` is what the instances of the shared memory modules take of it.
    """

    name: str
    instances: int
    total: Count
    memories: Count


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """Resources of one engine for one target."""

    target: Target
    total: Count
    blocks: tuple[Block, ...]
    tool: str

    def block(self, name: str) -> Block:
        """The block of that name; KeyError if the engine has none."""
        return {block.name: block for block in self.blocks}[name]


def synthesize(
    verilog: str,
    target: Target,
    *,
    cache: Path = DEFAULT_CACHE,
    progress: Progress | None = None,
) -> Synthesis:
    """Resources of an engine's Verilog; modules that were synthesised before are not again.

    Each module is mapped by itself, without its neighbours' constants: a little pessimistic.
    Whatever is finished when it is interrupted is kept. Raises ToolError, MissingToolError.
    """
    modules = distinct_modules(verilog, TOP)
    counts = module_counts(modules, target, cache=cache, progress=progress)
    top = next(reversed(modules))
    names = tree_counts(modules, top)
    total = sum((counts[name] * times for name, times in names.items()), Count())
    return Synthesis(
        target=target,
        total=total,
        blocks=tuple(_blocks(modules, counts, top)),
        tool=yosys_version(),
    )


def module_counts(
    modules: Mapping[str, VerilogModule],
    target: Target,
    *,
    cache: Path,
    progress: Progress | None = None,
) -> dict[str, Count]:
    """Own cells of every module, from the cache or synthesised now."""
    folder = cache / f"modules-{_key(target)}"
    folder.mkdir(parents=True, exist_ok=True)
    counts = {name: _load(folder / f"{name}.json") for name in modules}
    missing = [name for name, count in counts.items() if count is None]
    for start in range(0, len(missing), _BATCH):
        batch = missing[start : start + _BATCH]
        if progress is not None:
            progress(start, len(missing), f"synth {target.name}: {batch[0].rsplit('_', 1)[0]} ...")
        for name, count in _synthesize_batch(modules, batch, target).items():
            write_atomically(folder / f"{name}.json", json.dumps(asdict(count)).encode())
            counts[name] = count
    return {name: count for name, count in counts.items() if count is not None}


def _synthesize_batch(
    modules: Mapping[str, VerilogModule], batch: list[str], target: Target
) -> dict[str, Count]:
    """Modules side by side under one top; those that they instantiate are black boxes."""
    children = {child for name in batch for child in modules[name].children} - set(batch)
    text = "".join(modules[name].text for name in batch)
    text += "".join(_black_box(modules[name].text) for name in sorted(children))
    text += "module all_of_them;\n"
    text += "".join(f"  (* keep *) {name} part_{number} ();\n" for number, name in enumerate(batch))
    text += "endmodule\n"
    with tempfile.TemporaryDirectory(prefix="sparsespike-synth-") as temporary:
        folder = Path(temporary)
        (folder / "batch.v").write_text(text)
        commands = ["read_verilog -sv batch.v", "hierarchy -top all_of_them"]
        commands += [command.format(top="all_of_them") for command in target.commands]
        run_yosys([*commands, "tee -q -o stat.json stat -json"], folder=folder)
        statistics = json.loads((folder / "stat.json").read_text())["modules"]
    found = {name.lstrip("\\"): value for name, value in statistics.items()}
    return {name: count_cells(found[name], target) for name in batch}


def _black_box(text: str) -> str:
    header = text[: text.index(";") + 1]
    ports = re.findall(r"^  (?:input|output) .*?;$", text, re.MULTILINE)
    if not ports:
        # A memory declares its ports in its header.
        return "(* blackbox *) " + header + "\nendmodule\n"
    return "(* blackbox *) " + header + "\n" + "\n".join(ports) + "\nendmodule\n"


def _blocks(
    modules: Mapping[str, VerilogModule], counts: Mapping[str, Count], top: str
) -> list[Block]:
    totals: dict[str, Count] = {}
    memories: dict[str, Count] = {}
    numbers: dict[str, int] = {}

    def walk(name: str, block: str) -> None:
        if block == "wiring":
            block = _block_of(modules[name].path)
            if block != "wiring":
                numbers[block] = numbers.get(block, 0) + 1
        totals[block] = totals.get(block, Count()) + counts[name]
        if modules[name].path.startswith(_MEMORIES):
            memories[block] = memories.get(block, Count()) + counts[name]
        for child in modules[name].children:
            walk(child, block)

    walk(top, "wiring")
    order = (*BLOCKS, "wiring")
    return [
        Block(
            name=name,
            instances=numbers.get(name, 1),
            total=totals[name],
            memories=memories.get(name, Count()),
        )
        for name in order
        if name in totals
    ]


def _block_of(path: str) -> str:
    last = re.sub(r"(_\d+)?(\$\d+)?$", "", path.rsplit(".", 1)[-1])
    return last if last in BLOCKS else "wiring"


def _load(path: Path) -> Count | None:
    try:
        return Count(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _key(target: Target) -> str:
    text = json.dumps([target.name, target.commands, yosys_version(), _cells(target)])
    return f"{target.name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _cells(target: Target) -> dict[str, dict[str, float]]:
    return {resource: dict(cells) for resource, cells in target.cells.items()}
