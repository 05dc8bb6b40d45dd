"""The parts of the page that tell of one network's work and of its control trainings."""

import pandas as pd

from reports.accuracy.control_chart import GROUPS
from reports.accuracy.markdown import count, percent, picture, table
from reports.accuracy.published import FIRING
from reports.accuracy.results import NetworkResults
from reports.accuracy.sections import ZOO, Lines


def work_section(net: NetworkResults) -> Lines:
    """Firing rates and operations, layer by layer."""
    layers, images = net.measured.layers, len(net.measured.images)
    rows = [_work_row(str(row["layer"]), row, images) for _, row in layers.iterrows()]
    total = _work_row("**all**", layers.drop(columns="layer").sum(), images)
    firing, firing_source, mark = FIRING
    source = (
        f"integer network on {net.measured.data}; dense: `model.flops`, MAC x T as the papers "
        "count it."
    )
    header = ("layer", "firing rate", "accumulates", "MACs", "dense MAC x T", "share of dense")
    return [
        "### Spikes and operations",
        "",
        "Effective operations, per image: non-zero weights met by non-zero inputs (NeuroBench, "
        "arXiv 2304.04640): accumulates where the input is a spike, multiply-accumulates (MACs) "
        "where it has several values: pixels, residual counts, sums over time. Firing rates of the "
        "stem are those after its max-pools, which is what the next layer reads. On the card's "
        f"{count(net.card['images'])} test images the whole network takes "
        f"{count(net.card['synops_per_image'])} accumulates and "
        f"{count(net.card['macs_per_image'])} MACs an image. A trained Spikformer-4-384 fires at "
        f"{firing} % ({firing_source}) [{mark}].",
        "",
        *picture(f"figures/{net.name}-work.svg", "Firing rate and operations by layer", source),
        *table(header, [*rows, total], source),
    ]


def _work_row(name: str, row: pd.Series, images: int) -> tuple[str, ...]:
    fires = row["spikes"] / row["neurons"] if row["neurons"] else None
    work = row["accumulates"] + row["macs"]
    return (
        name,
        "-" if fires is None else percent(fires),
        count(row["accumulates"] / images),
        count(row["macs"] / images),
        count(row["dense_macs"]),
        percent(work / images / row["dense_macs"]),
    )


def controls_section(net: NetworkResults) -> Lines:
    """What the ticket and the selector are worth, beside random ones."""
    title = ["### What the ticket and the selector are worth", ""]
    record = f"{ZOO}/{net.name}.controls.json"
    if net.controls is None:
        return [*title, f"Not measured: the record `{record}` is absent.", ""]
    rows, verdicts = [], []
    for arms in GROUPS.values():
        present = [arm for arm in arms if arm in set(net.controls["arm"])]
        rows += [_control_row(arm, net.controls) for arm in present]
        verdicts += [_verdict(present[0], other, net.controls) for other in present[1:]]
    header = ("arm", "trained", "seeds", "mean", "lowest", "highest")
    source = f"`{record}`, written by the training command; test accuracy of the float network."
    return [
        *title,
        "Short equal trainings, so these accuracies lie below the shipped network's; compare "
        "within masks (same early weights, as many weights per layer in ticket and random masks) "
        "and within tokens (same pruned network, as many tokens).",
        "",
        *[f"- {line}" for line in verdicts],
        "",
        *picture(f"figures/{net.name}-controls.svg", "Test accuracy of every arm and seed", source),
        *table(header, rows, source, words=(0, 1)),
    ]


def _control_row(arm: str, controls: pd.DataFrame) -> tuple[str, ...]:
    part = controls[controls["arm"] == arm]
    how = {
        f"{epochs} epoch{'s' if epochs > 1 else ''}, T = {steps}"
        for epochs, steps in zip(part["epochs"], part["time_steps"], strict=True)
    }
    accuracy = part["accuracy"]
    shares = (accuracy.mean(), accuracy.min(), accuracy.max())
    return (arm, " or ".join(sorted(how)), str(len(part)), *(percent(share) for share in shares))


def _verdict(arm: str, other: str, controls: pd.DataFrame) -> str:
    """Two arms compared over the seeds that both have."""
    wide = controls.pivot(index="seed", columns="arm", values="accuracy")[[arm, other]].dropna()
    ahead = wide[arm] - wide[other]
    return (
        f"{arm} against {other}: {100 * ahead.mean():+.2f} points in the mean, better from "
        f"{int((ahead > 0).sum())} of {len(ahead)} seeds."
    )
