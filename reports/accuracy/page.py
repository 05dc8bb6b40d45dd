"""The page docs/accuracy.md as text."""

from collections.abc import Mapping, Sequence

from reports.accuracy.markdown import count, percent, table
from reports.accuracy.published import MARKS, PUBLISHED, SOURCES, Published
from reports.accuracy.results import NetworkResults
from reports.accuracy.sections import (
    ZOO,
    Lines,
    accuracy_section,
    floor_section,
    tokens_section,
    weights_section,
)
from reports.accuracy.work_sections import controls_section, work_section

COMMAND = "python -m bench.accuracy"


def accuracy_page(
    networks: Sequence[NetworkResults], shapes: Mapping[Published, tuple[int, float]]
) -> str:
    """The whole page. shapes: parameters and GFLOPs computed for the published networks."""
    lines = [
        "# Accuracy, sparsity and tokens",
        "",
        f"Made by `{COMMAND}`; do not edit. Every table and picture names its source. Figures on "
        "the whole CIFAR-10 test split were measured when a network was made and are read from "
        f"its card in `{ZOO}`; all others this command measured again on {_data(networks)}.",
        "",
    ]
    lines += _in_short(networks)
    for net in networks:
        lines += _network(net)
    return "\n".join([*lines, *_beside(networks, shapes)]).rstrip() + "\n"


def _data(networks: Sequence[NetworkResults]) -> str:
    return " and ".join(dict.fromkeys(net.measured.data for net in networks))


def _in_short(networks: Sequence[NetworkResults]) -> Lines:
    header = (
        "network", "float", "integer", "zero weights", "tokens kept", "accumulates", "MACs",
        "GFLOPs",
    )  # fmt: skip
    rows = [
        (
            f"[{net.name}](#{net.name})",
            percent(net.card["accuracy_float"]),
            percent(net.card["accuracy_integer"]),
            percent(net.card["weight_sparsity"]),
            percent(net.config.kept_tokens()[-1] / net.config.tokens()),
            count(net.card["synops_per_image"]),
            count(net.card["macs_per_image"]),
            f"{net.gflops:.3f}",
        )
        for net in networks
    ]
    source = (
        f"cards `{ZOO}/*.json`: accuracy on the test split, effective operations of one image; "
        "tokens: in the last block; GFLOPs: dense MAC x T, `model.flops`."
    )
    return table(header, rows, source)


def _network(net: NetworkResults) -> Lines:
    config = net.config
    record = (
        f" Every epoch: [`{net.record}`](../{ZOO}/{net.record})." if net.record is not None else ""
    )
    return [
        f"## {net.name}",
        "",
        f"{config.time_steps} time steps, {config.image_size} x {config.image_size} pixels, "
        f"D = {config.dim}, {config.depth} blocks, {config.heads} heads, {count(net.parameters)} "
        f"parameters, {net.gflops:.3f} GFLOPs (dense MAC x T). Trained from seed "
        f"{net.card['seed']}: {net.card['note'].rstrip('.')}.{record}",
        "",
        *accuracy_section(net),
        *weights_section(net),
        *floor_section(net),
        *tokens_section(net),
        *work_section(net),
        *controls_section(net),
    ]


def _beside(
    networks: Sequence[NetworkResults], shapes: Mapping[Published, tuple[int, float]]
) -> Lines:
    header = (
        "network", "shape", "parameters", "zero weights", "rho", "CIFAR-10", "GFLOPs printed",
        "GFLOPs computed", "source",
    )  # fmt: skip
    ours = [_our_row(net) for net in networks]
    theirs = [_published_row(row, *shapes[row]) for row in PUBLISHED]
    papers = "; ".join(f"{name}: {where}" for name, where in SOURCES.items())
    marks = "; ".join(f"{mark}: {words}" for mark, words in MARKS.items())
    return [
        "## Beside the papers",
        "",
        *[line for net in networks for line in _how_much_smaller(net)],
        *table(
            header,
            [*ours, *theirs],
            f"the last column ({papers}); ours: cards in `{ZOO}`, accuracy of the integer "
            "network. Parameters and computed GFLOPs, of ours and of theirs [D]: `model.flops`. "
            f"Shape: blocks-D. Marks: {marks}.",
            words=(0, 1, 8),
        ),
    ]


def _how_much_smaller(net: NetworkResults) -> Lines:
    config = net.config
    if (config.dim, config.depth) == (384, 4):
        return [f"`{net.name}` has the shape of the papers' network.", ""]
    return [
        f"**`{net.name}` is a much smaller network than the papers'**: D = {config.dim} and "
        f"{config.depth} blocks against 384 and 4. Its accuracy says nothing about theirs; the "
        "table is there for the scale.",
        "",
    ]


def _our_row(net: NetworkResults) -> tuple[str, ...]:
    return (
        f"**{net.name}** (ours)",
        f"{net.config.depth}-{net.config.dim}",
        count(net.parameters),
        percent(net.card["weight_sparsity"]),
        f"{net.config.keep_ratio:g}",
        percent(net.card["accuracy_integer"]),
        "-",
        f"{net.gflops:.3f}",
        f"`{ZOO}/{net.name}.json`",
    )


def _published_row(row: Published, parameters: int, gflops: float) -> tuple[str, ...]:
    return (
        row.what,
        f"{row.depth}-{row.dim}",
        count(parameters),
        f"{row.zeros:.2f} %" if row.zeros else "0 %",
        f"{row.keep_ratio:g}" if row.keep_ratio < 1 else "-",
        f"{row.accuracy:.2f} %",
        "-" if row.gflops is None else f"{row.gflops:.2f}",
        f"{gflops:.2f}",
        f"{row.source} [{row.mark}]",
    )
